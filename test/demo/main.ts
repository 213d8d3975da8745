/**
 * The README's two minutes, as a stranger would spend them: `npm start`, the commands that it prints, the Express example,
 * a port that is taken. Ends with `N passed, N failed`. Uses the default ports and ./demo, like the demo itself.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"

const top = fileURLToPath(new URL("../../", import.meta.url))
let passed = 0
let failed = 0

function check(name: string, holds: boolean, detail = ""): void {
  if (holds) passed += 1
  else failed += 1
  console.log(`${holds ? "ok    " : "FAILED"} ${name}${holds ? "" : `\n${detail.slice(-2000)}`}`)
}

interface Running {
  output(): string
  /** Resolves once the output holds the text, or false if the command ends before. */
  says(text: string): Promise<boolean>
  readonly ended: Promise<number>
  signal(name: "SIGINT" | "SIGTERM"): void
}

function start(command: string, env: Record<string, string> = {}): Running {
  const child = spawn("bash", ["-c", `exec ${command}`], {
    cwd: top,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that signals reach all of it, as Ctrl-C in a terminal does.
    detached: true,
  })
  let output = ""
  const waiting: { text: string; resolve: (said: boolean) => void }[] = []
  const look = (): void => {
    for (const each of waiting.splice(0)) {
      if (output.includes(each.text)) each.resolve(true)
      else waiting.push(each)
    }
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString()
      look()
    })
  }
  let isOver = false
  const ended = once(child, "close").then(([status]) => {
    isOver = true
    for (const each of waiting) each.resolve(output.includes(each.text))
    return (status as number | null) ?? -1
  })
  return {
    output: () => output,
    says: (text) =>
      new Promise((resolve) => {
        if (isOver) return resolve(output.includes(text))
        waiting.push({ text, resolve })
        look()
      }),
    ended,
    signal(name) {
      if (child.pid !== undefined && !isOver) process.kill(-child.pid, name)
    },
  }
}

async function run(
  command: string,
  env: Record<string, string> = {},
): Promise<{ status: number; output: string }> {
  const running = start(command, env)
  const status = await running.ended
  return { status, output: running.output() }
}

async function printedCommands(output: string): Promise<void> {
  const commands = [...output.matchAll(/^ {2}(npx postern .*)$/gm)].map((match) => match[1] ?? "")
  check("five commands are printed", commands.length === 5, output)
  for (const command of commands) {
    const isTail = command.includes(" tail ")
    const { status, output: said } = isTail ? await watch(command) : await run(command)
    check(command, status === 0 && said.trim() !== "", said)
  }
}

/** Built once, by the first start: another one would take away the console's files while other programmes serve them. */
const unbuilt = { npm_config_ignore_scripts: "true" }

/** A tail ends with Ctrl-C, once it has shown something. */
async function watch(command: string): Promise<{ status: number; output: string }> {
  const tail = start(command)
  const said = await tail.says("invoice.sent")
  tail.signal("SIGINT")
  const status = await tail.ended
  return { status: said && [0, 130, -1].includes(status) ? 0 : 1, output: tail.output() }
}

/** The three commands of examples/express; the writer `shop` was added by one of the printed ones. */
async function express(): Promise<void> {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
  const app = readFileSync(new URL("../../examples/express/app.js", import.meta.url), "utf8")
  check("the README shows examples/express/app.js as it is", readme.includes(app.trim()), app)
  const profile = "demo/profiles/writer-shop.yaml"
  const running = start("node examples/express/app.js", { POSTERN_PROFILE: profile, PORT: "17599" })
  let status = 0
  for (let attempt = 0; attempt < 50 && status === 0; attempt++) {
    const asked = await run(
      "curl --silent --output /dev/null --write-out '%{http_code}' --retry 20 --retry-connrefused --retry-delay 1 --request DELETE http://127.0.0.1:17599/invoices/4711",
    )
    status = Number(asked.output)
  }
  check("the Express app answers 204", status === 204, running.output())
  const search =
    "npx postern search --profile demo/profiles/reader.yaml --writer spiffe://postern.local/writer/shop --json"
  let found = ""
  for (let attempt = 0; attempt < 20; attempt++) {
    found = (await run(search)).output
    if (found.includes('"verified":true')) break
  }
  check(
    "its event is a verified entry",
    found.includes("invoice/4711") || found.includes('"id":"4711"'),
    found,
  )
  running.signal("SIGTERM")
  await running.ended
}

async function takenPort(): Promise<void> {
  const squatter = createServer().listen(17514, "127.0.0.1")
  await once(squatter, "listening")
  const { status, output } = await run("npm start -- --once", unbuilt)
  squatter.close()
  const said = /postern: error: .*17514/.test(output) && output.includes("postern: hint:")
  check("a taken port is named, with what to do", status !== 0 && said, output)
}

rmSync(new URL("../../demo", import.meta.url), { recursive: true, force: true })
const first = start("npm start")
check(
  "npm start comes to its end of the first round",
  await first.says("Try, in another terminal"),
  first.output(),
)
check(
  "the log was verified on disk",
  first.output().includes("verified on disk: nothing contradicts"),
  first.output(),
)
check(
  "and over the read port",
  first.output().includes("verified over the read port: nothing contradicts"),
  first.output(),
)
await first.says("Ctrl-C ends it")
await printedCommands(first.output())
await express()
first.signal("SIGINT")
const status = await first.ended
const saidGoodbye = first.output().includes("stopped; demo/ keeps what was written")
const loud = /^.*UNREACHABLE.*$/m.exec(first.output())?.[0]
check(
  "Ctrl-C ends it, in order",
  [0, 130, -1].includes(status) && saidGoodbye && loud === undefined,
  `${first.output()}\nexit code ${status}; said goodbye: ${saidGoodbye}; said as well: ${loud ?? "nothing"}`,
)
const again = await run("npm start -- --once", unbuilt)
check(
  "npm start -- --once ends with 0 and goes on with demo/",
  again.status === 0 && again.output.includes("goes on with demo/"),
  again.output,
)
await takenPort()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
