/**
 * `node bench/sdk.ts`: what one audit() costs the application that calls it. A port of its own, as `postern init` configures it, and
 * this process as the application: events at a steady rate, a timer's turn at a time, as requests come in. Each turn begins on a
 * processor that slept; `serving` does a request's own work before each call, `idle` nothing. Beside audit() stands what
 * JSON.stringify of the same event takes, which no way of writing it down can avoid: in each turn one of the two comes first and is
 * timed, by turns, so that both find the same caches. Linux only.
 */
import { parseArgs } from "node:util"
import { type Audit, connect, loadProfile } from "@postern/client"
import { Samples } from "./samples.ts"
import { cleanUp, removeLeftovers, type Server, withServer } from "./server.ts"
import { house, loadTree } from "./tree.ts"

const usage = "node bench/sdk.ts [--rate EVENTS_PER_SECOND] [--seconds S] [--warm S]\n"
const tickMs = 1

interface Load {
  readonly rate: number
  readonly seconds: number
}

interface Row {
  readonly application: string
  readonly call: Call
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
}

/** What an application would say of a request: an actor, a target, a little detail; about 330 bytes as an event. */
function details(i: number) {
  return {
    actor: { type: "user", id: `user-${i % 1000}`, name: "Alice Example" },
    target: `invoice/${i}`,
    outcome: "success",
    request: { method: "DELETE", path: `/v1/invoices/${i}`, id: `req-${i}` },
    data: { amount: i % 9973, currency: "EUR" },
  } as const
}

const calls = {
  audit: (audit: Audit, i: number) => audit("invoice.deleted", details(i)),
  "JSON.stringify": (_: Audit, i: number) =>
    JSON.stringify({
      id: `019abf00-0000-7000-8000-${i}`,
      time: new Date().toISOString(),
      source: "app://billing",
      action: "invoice.deleted",
      ...details(i),
    }),
}

type Call = keyof typeof calls
const callNames: [Call, Call] = ["audit", "JSON.stringify"]

const body = JSON.stringify({
  lines: Array.from({ length: 12 }, (_, i) => ({ product: `product-${i}`, count: i, price: 9.5 })),
})

/** A request's own work, some ten microseconds: its body is read, an answer written. */
function serve(i: number): number {
  const { lines } = JSON.parse(body) as { lines: { product: string; count: number }[] }
  const total = lines.reduce((sum, { count }) => sum + count, i)
  return JSON.stringify({ total, lines: lines.filter(({ count }) => count % 2 === 0) }).length
}

const applications = { idle: () => 0, serving: serve }

/** Makes both calls at the rate and takes the time of one; what a turn comes too late for is made up in the next one. */
function drive(
  audit: Audit,
  work: (i: number) => number,
  { rate, seconds }: Load,
  samples: ReadonlyMap<Call, Samples>,
): Promise<number> {
  return new Promise((resolve) => {
    const begin = performance.now()
    let events = 0
    let [timed, other] = callNames
    const turn = (): void => {
      const now = performance.now()
      const due = Math.floor((Math.min(now - begin, seconds * 1000) * rate) / 1000)
      for (; events < due; events++) {
        work(events)
        const before = performance.now()
        calls[timed](audit, events)
        samples.get(timed)?.add(performance.now() - before)
        calls[other](audit, events)
      }
      ;[timed, other] = [other, timed]
      if (now - begin >= seconds * 1000) resolve(events)
      else setTimeout(turn, tickMs)
    }
    turn()
  })
}

async function measure(server: Server, load: Load, warm: number): Promise<Row[]> {
  const profile = { ...loadProfile(server.profile), address: `127.0.0.1:${server.port}` }
  const audit = await connect(profile, { wait: true })
  const rows: Row[] = []
  for (const [application, work] of Object.entries(applications)) {
    const samples = new Map(callNames.map((name) => [name, new Samples()]))
    await drive(audit, work, { ...load, seconds: warm }, samples)
    await audit.flush()
    for (const of of samples.values()) of.clear()
    const { acked } = audit.status()
    const events = await drive(audit, work, load, samples)
    await audit.flush()
    const kept = audit.status().acked - acked
    if (kept !== events) throw new Error(`${events} events were written, ${kept} acknowledged`)
    for (const [call, of] of samples) rows.push({ application, call, ...quantiles(of) })
  }
  await audit.close()
  return rows
}

function quantiles(samples: Samples) {
  const us = samples.quantiles(0.5, 0.99, 0.999, 1).map((ms) => ms * 1000)
  const [p50Us = NaN, p99Us = NaN, p999Us = NaN, maxUs = NaN] = us
  return { p50Us, p99Us, p999Us, maxUs }
}

function format(rows: readonly Row[]): string {
  return [
    "| application | call           | p50 µs | p99 µs | p99.9 µs | max µs |",
    "| ----------- | -------------- | -----: | -----: | -------: | -----: |",
    ...rows.map(({ application, call, p50Us, p99Us, p999Us, maxUs }) => {
      const figures = [p50Us, p99Us, p999Us, maxUs].map((value) => value.toFixed(1))
      return `| ${[application.padEnd(11), call.padEnd(14), ...figures].join(" | ")} |`
    }),
  ].join("\n")
}

function readNumbers(): { rate: number; seconds: number; warm: number } {
  const text = { type: "string" } as const
  const { values } = parseArgs({ options: { rate: text, seconds: text, warm: text } })
  const { rate = "10000", seconds = "5", warm = "2" } = values
  const numbers = { rate: Number(rate), seconds: Number(seconds), warm: Number(warm) }
  if (Object.values(numbers).some((value) => !(value > 0 && value <= 1e6))) throw new Error(usage)
  return numbers
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130))
}
process.on("exit", cleanUp)
removeLeftovers()
const { warm, ...load } = readNumbers()
const rows = await withServer(await loadTree(house), (server) => measure(server, load, warm))
process.stdout.write(`${format(rows)}\n`)
