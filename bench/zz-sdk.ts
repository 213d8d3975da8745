/**
 * `node bench/sdk.ts`: what one audit() costs the application that calls it. A port of its own, as `postern init` configures it, and
 * this process as the application: events at a steady rate, a timer's turn at a time, as requests come in. Linux only.
 */
import { parseArgs } from "node:util"
import { type Audit, connect, loadProfile } from "@postern/client"
import { Samples } from "/work/main/bench/samples.ts"
import { cleanUp, removeLeftovers, type Server, withServer } from "/work/main/bench/server.ts"
import { house, loadTree } from "/work/main/bench/tree.ts"

const usage = "node bench/sdk.ts [--rate EVENTS_PER_SECOND] [--seconds S] [--warm S]\n"
import { randomBytes as rb } from "node:crypto"
let pool = rb(4096), at = 0
const world = { nowMs: () => Date.now(), random: () => Math.random(), randomBytes(n: number) { if (at + n > pool.length) { pool = rb(4096); at = 0 } at += n; return pool.subarray(at - n, at) },
  startTimer(run: () => void, delayMs: number) { const t = setTimeout(run, delayMs); return { cancel: () => clearTimeout(t), hold: (h: boolean) => void (h ? t.ref() : t.unref()) } }, soon: (run: () => void) => void setImmediate(run) }
const tickMs = 1

interface Load {
  readonly rate: number
  readonly seconds: number
}

interface Figures {
  readonly events: number
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
  /** Of one core, everything that this process did: the loop, the spool, TLS. */
  readonly cpuPercent: number
  /** From the last audit() until all was acknowledged. */
  readonly drainMs: number
}

/** As an application would write it: an actor, a target, a little detail; about 330 bytes as an event. */
function write(audit: Audit, i: number): void {
  audit("invoice.deleted", {
    actor: { type: "user", id: `user-${i % 1000}`, name: "Alice Example" },
    target: `invoice/${i}`,
    outcome: "success",
    request: { method: "DELETE", path: `/v1/invoices/${i}`, id: `req-${i}` },
    data: { amount: i % 9973, currency: "EUR" },
  })
}

/** Calls audit() at the rate and takes the time of each call; what a turn comes too late for is made up in the next one. */
function drive(audit: Audit, { rate, seconds }: Load, samples: Samples): Promise<number> {
  return new Promise((resolve) => {
    const begin = performance.now()
    let events = 0
    const turn = (): void => {
      const now = performance.now()
      const due = Math.floor((Math.min(now - begin, seconds * 1000) * rate) / 1000)
      for (; events < due; events++) {
        const before = performance.now()
        write(audit, events)
        samples.add(performance.now() - before)
      }
      if (now - begin >= seconds * 1000) resolve(events)
      else setTimeout(turn, tickMs)
    }
    turn()
  })
}

async function measure(server: Server, load: Load, warm: number): Promise<Figures> {
  const profile = { ...loadProfile(server.profile), address: `127.0.0.1:${server.port}` }
  const audit = await connect(profile, { wait: true, world })
  const samples = new Samples()
  await drive(audit, { ...load, seconds: warm }, samples)
  await audit.flush()
  samples.clear()
  const acked = audit.status().acked
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const events = await drive(audit, load, samples)
  const end = performance.now()
  const { user, system } = process.cpuUsage(cpu)
  await audit.flush()
  const drainMs = performance.now() - end
  const kept = audit.status().acked - acked
  if (kept !== events) throw new Error(`${events} events were written and ${kept} acknowledged`)
  await audit.close()
  const us = samples.quantiles(0.5, 0.99, 0.999, 1).map((ms) => ms * 1000)
  const [p50Us = NaN, p99Us = NaN, p999Us = NaN, maxUs = NaN] = us
  const cpuPercent = (user + system) / 10 / (end - begin)
  return { events, p50Us, p99Us, p999Us, maxUs, cpuPercent, drainMs }
}

function format({ events, p50Us, p99Us, p999Us, maxUs, cpuPercent, drainMs }: Figures): string {
  const cells = [p50Us, p99Us, p999Us, maxUs, cpuPercent, drainMs].map((value) => value.toFixed(1))
  return [
    "| events | p50 µs | p99 µs | p99.9 µs | max µs | CPU % | drain ms |",
    "| -----: | -----: | -----: | -------: | -----: | ----: | -------: |",
    `| ${[String(events), ...cells].join(" | ")} |`,
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
const figures = await withServer(await loadTree(house), (server) => measure(server, load, warm))
process.stdout.write(`${format(figures)}\n`)
