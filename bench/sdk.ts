/**
 * `node bench/sdk.ts`: what one audit() costs the application that calls it. A port of its own, as `postern init` configures it, and
 * this process as the application: events at a steady rate, a timer's turn at a time, as requests come in. Each turn begins on a
 * processor that slept; `serving` does a request's own work before each call, `idle` nothing. Beside audit() stands what
 * JSON.stringify of the same event takes, which no way of writing it down can avoid: in each turn one of the two comes first and is
 * timed, by turns, so that both find the same caches.
 *
 * A second table says what that is of a processor: the time inside the calls, and beside it what the process takes in all, with spool, TLS and
 * receipts in all its threads: its CPU time with the calls less its CPU time without them, at the same rate, in turns of some seconds. Linux only.
 */
import { parseArgs } from "node:util"
import { type Audit, connect, loadProfile } from "@postern/client"
import { median, Samples } from "./samples.ts"
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

/** Does the work at the rate; what a turn comes too late for is made up in the next one. Resolves with how often it was done. */
function pace(
  { rate, seconds }: Load,
  work: (i: number) => void,
  turned: () => void = () => undefined,
): Promise<number> {
  return new Promise((resolve) => {
    const begin = performance.now()
    let events = 0
    const turn = (): void => {
      const now = performance.now()
      const due = Math.floor((Math.min(now - begin, seconds * 1000) * rate) / 1000)
      for (; events < due; events++) work(events)
      turned()
      if (now - begin >= seconds * 1000) resolve(events)
      else setTimeout(turn, tickMs)
    }
    turn()
  })
}

/** Makes both calls at the rate and takes the time of one. */
function drive(
  audit: Audit,
  work: (i: number) => number,
  load: Load,
  samples: ReadonlyMap<Call, Samples>,
): Promise<number> {
  let [timed, other] = callNames
  const both = (i: number): void => {
    work(i)
    const before = performance.now()
    calls[timed](audit, i)
    samples.get(timed)?.add(performance.now() - before)
    calls[other](audit, i)
  }
  return pace(load, both, () => {
    ;[timed, other] = [other, timed]
  })
}

interface Cost {
  readonly application: string
  /** Time inside the calls, of all time, in percent: medians of the rounds. */
  readonly inside: Readonly<Record<Call, number>>
  /** Of one processor, in percent: median of the rounds, lowest and highest. */
  readonly percent: readonly [number, number, number]
  readonly usPerEvent: number
}

const rounds = 5

/** CPU time of the whole process while so many events a second are written, or everything is done but that; as a share of one processor. */
async function processorShare(work: (i: number) => void, load: Load): Promise<number> {
  const began = performance.now()
  const before = process.cpuUsage()
  await pace(load, work)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - began)
}

/** What the application's loop spends inside the calls, as a share of all time. */
async function insideShare(
  audit: Audit,
  call: Call,
  work: (i: number) => number,
  load: Load,
): Promise<number> {
  let insideMs = 0
  const began = performance.now()
  await pace(load, (i) => {
    work(i)
    const before = performance.now()
    calls[call](audit, i)
    insideMs += performance.now() - before
  })
  return insideMs / (performance.now() - began)
}

async function costs(audit: Audit, load: Load): Promise<Cost[]> {
  const found: Cost[] = []
  for (const [application, work] of Object.entries(applications)) {
    const shares: number[] = []
    const inside: Record<Call, number[]> = { audit: [], "JSON.stringify": [] }
    for (let round = 0; round < rounds; round++) {
      const without = await processorShare((i) => void (work(i) + details(i).data.amount), load)
      const told = (i: number) => void (work(i) + calls.audit(audit, i).length)
      const share = await processorShare(told, load)
      await audit.flush()
      shares.push(100 * (share - without))
      for (const call of callNames) {
        inside[call].push(100 * (await insideShare(audit, call, work, load)))
        await audit.flush()
      }
    }
    const percent = [median(shares), Math.min(...shares), Math.max(...shares)] as const
    found.push({
      application,
      inside: { audit: median(inside.audit), "JSON.stringify": median(inside["JSON.stringify"]) },
      percent,
      usPerEvent: (percent[0] / 100 / load.rate) * 1e6,
    })
  }
  return found
}

function formatCosts(found: readonly Cost[]): string {
  return [
    "| application | % inside audit() | inside JSON.stringify | whole process % | lowest | highest | µs per event |",
    "| ----------- | ---------------: | --------------------: | --------------: | -----: | ------: | -----------: |",
    ...found.map(({ application, inside, percent, usPerEvent }) => {
      const all = [inside.audit, inside["JSON.stringify"], ...percent, usPerEvent]
      const figures = all.map((value) => value.toFixed(1))
      return `| ${[application.padEnd(11), ...figures].join(" | ")} |`
    }),
  ].join("\n")
}

async function measure(server: Server, load: Load, warm: number): Promise<[Row[], Cost[]]> {
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
  const found = await costs(audit, load)
  await audit.close()
  return [rows, found]
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
const [rows, found] = await withServer(await loadTree(house), "none", (server) =>
  measure(server, load, warm),
)
process.stdout.write(`${format(rows)}\n\n${formatCosts(found)}\n`)
