/**
 * Somebody new, who does on a machine of their own what docs/operating/doctor.md says under "From nothing to clean", word by word:
 * for namespaces with an address 10.0.0.7, where it is root.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { until, within } from "./waiting.ts"

const house = fileURLToPath(new URL("../../", import.meta.url))
const page = join(house, "docs/operating/doctor.md")

/** The commands of the section, as they stand there. */
export function newcomersCommands(): string[] {
  const text = readFileSync(page, "utf8")
  const section = /^## From nothing to clean\n(.*?)^## /ms.exec(text)?.[1] ?? ""
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .filter((line) => line !== "")
}

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Newcomer {
  /** postern.yaml. */
  readonly config: string
  /** What each command but `serve` came to, in order. */
  readonly ran: readonly { readonly line: string; readonly ran: Ran }[]
  run(line: string): Ran
  /** What the service has said so far. */
  said(): string
  end(): Promise<void>
}

/** @param directory an empty one, where the newcomer stands */
export async function followPage(directory: string): Promise<Newcomer> {
  execFileSync("sh", [
    "-ec",
    "ip link set lo up; ip address add 10.0.0.7/32 dev lo; mountpoint -q /run || mount -t tmpfs tmpfs /run",
  ])
  const run = commandLine(directory)
  const ran: { line: string; ran: Ran }[] = []
  let service: ReturnType<typeof serve> | undefined
  for (const line of newcomersCommands()) {
    if (line.startsWith("postern serve ")) service = serve(directory, line)
    else ran.push({ line, ran: run(line) })
    if (ran.length > 0 && service === undefined && line.startsWith("postern serve "))
      throw new Error(line)
    await service?.ready
  }
  return {
    ...{ ran, run, config: join(directory, "audit/postern.yaml") },
    said: () => service?.said() ?? "",
    async end() {
      if (service === undefined) return
      const ended = once(service.child, "exit")
      service.child.kill("SIGTERM")
      await ended
    },
  }
}

/** Finds `postern` where a shell would, and nothing else of this checkout. */
function environment(directory: string): NodeJS.ProcessEnv {
  const bin = join(directory, ".bin")
  mkdirSync(bin, { recursive: true })
  const postern = join(house, "packages/server/bin/postern.cjs")
  writeFileSync(join(bin, "postern"), `#!/bin/sh\nexec '${process.execPath}' '${postern}' "$@"\n`)
  chmodSync(join(bin, "postern"), 0o755)
  return { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}:/usr/sbin:/sbin` }
}

function commandLine(directory: string): (line: string) => Ran {
  const env = environment(directory)
  return (line) => {
    const { status, stdout, stderr } = spawnSync("sh", ["-c", line], {
      ...{ cwd: directory, env, encoding: "utf8", maxBuffer: 64_000_000 },
    })
    return { status, stdout, stderr }
  }
}

function serve(directory: string, line: string) {
  const child: ChildProcess = spawn("sh", ["-c", `exec ${line}`], {
    ...{ cwd: directory, env: environment(directory), stdio: ["ignore", "ignore", "pipe"] },
  })
  let text = ""
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes("port ready") && text.includes("reader ready")) resolve()
    })
    child.once("exit", () => reject(new Error(`the service ended: ${text}`)))
  })
  return { child, ready: within(ready, 30_000, "the service"), said: () => text }
}

/** Deletes our rules under the running service; seconds until its doctor has said so in the log. Rejects after a minute. */
export async function deleteRules({ run }: Newcomer): Promise<number> {
  execFileSync("nft", ["delete", "table", "inet", "postern"])
  const began = performance.now()
  const found = () => {
    const drifted = entriesOf(run, "postern.firewall.drifted")
    const examined = entriesOf(run, "postern.doctor.examined")
    const isFound = examined.some(({ checks }) => (checks as string[]).includes("firewall.drift"))
    return (drifted.length > 0 && isFound) || undefined
  }
  await until(found, 60_000, "the doctor's word")
  return (performance.now() - began) / 1000
}

function entriesOf(run: Newcomer["run"], action: string): Record<string, unknown>[] {
  const { status, stdout } = run(
    `postern search --profile audit/profiles/reader.yaml --json --action ${action}`,
  )
  if (status !== 0) return []
  const { entries } = JSON.parse(stdout) as {
    entries: { event: { data: Record<string, unknown> } }[]
  }
  return entries.map(({ event }) => event.data)
}
