/**
 * `node bench/large.ts`: what events that are too large for an entry cost their neighbours. A port of its own; writers of small events
 * at a steady rate over postern/1, timed alone, beside one that posts events of 5 MB over HTTP without a pause, and beside one that
 * posts the same bytes as small events. What is to be compared are the neighbours' times in the three rows. Linux only.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { request } from "node:https"
import { loadProfile } from "@postern/client"
import { killGenerators, runGenerator } from "./run.ts"
import { cleanUp, removeLeftovers, withServer } from "./server.ts"
import type { Figures, Task } from "./task.ts"
import { house, loadTree } from "./tree.ts"

const beside = ["nobody", "events of 5 MB", "small events, 5 MB a body"] as const
type Beside = (typeof beside)[number]

const bodyBytes = 5_000_000
const load = { connections: 4, batch: 10, window: 64, eventsPerSecond: 20_000 } as const
const times = { warmMs: 1500, measureMs: 4000 } as const

interface Row {
  readonly beside: Beside
  readonly neighbours: Figures
  /** Bodies that the one beside them had acknowledged, for each second. */
  readonly bodiesPerSecond: number
}

function bodyOf(kind: Beside): string {
  const required = { action: "invoice.deleted", actor: { type: "user", id: "alice" }, targets: [] }
  const large = { ...required, data: { text: "x".repeat(bodyBytes) } }
  if (kind === "events of 5 MB") return JSON.stringify(large)
  const small = JSON.stringify({ ...required, data: { text: "x".repeat(200) } })
  return Array.from({ length: Math.floor(bodyBytes / (small.length + 1)) }, () => small).join("\n")
}

/** In a process of its own: posts until it is told to stop, then says how many bodies were taken. */
async function postAll(profile: string, port: number, kind: Beside): Promise<void> {
  const { certificate: cert, key, ca } = loadProfile(profile)
  const body = bodyOf(kind)
  let bodies = 0
  process.on("message", () => {
    process.send?.(bodies, () => process.exit())
  })
  for (;;) {
    const asked = request({
      ...{ host: "127.0.0.1", port, method: "POST", path: "/v1/events", ca, cert, key },
      checkServerIdentity: () => undefined,
      headers: { "content-type": "application/x-ndjson" },
    })
    asked.end(body)
    const [response] = await once(asked, "response")
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    if (response.statusCode !== 200) throw new Error(Buffer.concat(chunks).toString())
    bodies += 1
  }
}

async function measure(kind: Beside): Promise<Row> {
  return withServer(await loadTree(house), "none", async (server) => {
    const { port, profile, pid } = server
    const task: Task = {
      port,
      profile,
      pid,
      protocol: "postern/1",
      event: "app",
      ...load,
      ...times,
    }
    if (kind === "nobody") {
      return { beside: kind, neighbours: await runGenerator(task), bodiesPerSecond: 0 }
    }
    const poster = fork(import.meta.filename, [profile, String(port), kind])
    const began = performance.now()
    const neighbours = await runGenerator(task)
    poster.send("stop")
    const [bodies] = (await once(poster, "message")) as [number]
    const seconds = (performance.now() - began) / 1000
    return { beside: kind, neighbours, bodiesPerSecond: bodies / seconds }
  })
}

function format(rows: readonly Row[]): string {
  return [
    "| beside                    | events/s | ack p50 ms |   p99 | p99.9 | bodies/s | RSS MB | cores |",
    "| ------------------------- | -------: | ---------: | ----: | ----: | -------: | -----: | ----: |",
    ...rows.map(({ beside: kind, neighbours: of, bodiesPerSecond }) => {
      const cells = [
        kind.padEnd(25),
        Math.round(of.eventsPerSecond).toLocaleString("en").padStart(8),
        of.ackP50Ms.toFixed(2).padStart(10),
        of.ackP99Ms.toFixed(1).padStart(5),
        of.ackP999Ms.toFixed(1).padStart(5),
        bodiesPerSecond.toFixed(1).padStart(8),
        of.rssMb.toFixed(0).padStart(6),
        of.serverCores.toFixed(2).padStart(5),
      ]
      return `| ${cells.join(" | ")} |`
    }),
  ].join("\n")
}

const [profile, port, kind] = process.argv.slice(2)
if (profile !== undefined) {
  await postAll(profile, Number(port), kind as Beside)
} else {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => process.exit(130))
  }
  process.on("exit", () => {
    killGenerators()
    cleanUp()
  })
  removeLeftovers()
  const rows: Row[] = []
  for (const each of beside) rows.push(await measure(each))
  process.stdout.write(`${format(rows)}\n`)
}
