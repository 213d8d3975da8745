/**
 * The outbox with real parts: PostgreSQL of Debian, both drivers, the real port, relays in processes of their own. Transactions commit and
 * roll back while relays are killed, two at once, the port is killed and the way to it is cut: each committed event must be in the log once.
 */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { type Outbox, outbox } from "@postern/client/outbox"
import pg from "pg"
import postgres from "postgres"
import { Entries, type Indexed } from "../support/entries.ts"
import { Installation } from "../support/installation.ts"
import { pause, until } from "../support/waiting.ts"
import { CutProxy } from "./cut-proxy.ts"
import { run, startPort } from "./port-process.ts"
import { Postgres } from "./postgresql.ts"
import type { Results } from "./results.ts"
import { checkPage } from "./tool-calls.ts"

const house = fileURLToPath(new URL("../../", import.meta.url))
const script = fileURLToPath(new URL("outbox-relay.ts", import.meta.url))
const drivers = ["pg", "postgres"] as const
type Driver = (typeof drivers)[number]
const clients = 6
const blows = [
  ...(["cut", "kill", "cutSoon", "killUnrecorded", "killBoth", "cutSoon", "killPort"] as const),
  ...(["endSessions", "killUnrecorded", "kill", "cut"] as const),
]
const waitMs = 60_000
const endRelaysSessions =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay'"

interface Told {
  readonly committed: string[]
  readonly rolledBack: string[]
  /** Ids of one client's commits, in order. */
  readonly orders: string[][]
}

interface RelayProblem {
  readonly code: string
  readonly message: string
}

/** Ends everything that was begun, last first. */
class Scene {
  readonly #ends: (() => unknown)[] = []

  add<T>(what: T, end: (what: T) => unknown): T {
    this.#ends.unshift(() => end(what))
    return what
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end()
  }
}

export async function checkOutbox(results: Results): Promise<void> {
  const scene = new Scene()
  const problems: RelayProblem[] = []
  try {
    await check(results, scene, problems)
  } catch (error) {
    const said = problems.slice(-5).map(({ message }) => message)
    throw new Error(`${String(error)}; the relays said: ${said.join(" | ")}`, { cause: error })
  } finally {
    await scene.end()
  }
}

async function check(results: Results, scene: Scene, problems: RelayProblem[]): Promise<void> {
  const installation = scene.add((await Installation.make()).keepAll(), (one) => one.remove())
  const identity = await installation.writer("shop", { actions: ["order.*", "invoice.*"] })
  let port = await startPort(installation.configFile)
  scene.add(undefined, () => port.stop("SIGTERM"))
  const proxy = scene.add(await CutProxy.start(() => port.address), (one) => one.stop())
  const profile = installation.profileOf(identity, { host: "127.0.0.1", port: proxy.port })
  const database = scene.add(await Postgres.start(), (one) => one.stop())
  const pool = scene.add(new pg.Pool({ connectionString: database.url, max: 10 }), (one) =>
    one.end(),
  )
  pool.on("error", () => undefined) // Connections are cut on purpose.
  const sql = scene.add(postgres(database.url, { max: 10, onnotice: () => undefined }), (one) =>
    one.end(),
  )
  const audit = outbox(pool, { source: "app://shop" })
  await audit.createTables()
  await audit.createTables()

  const relays = drivers.map((driver) => startRelay(driver, database.url, profile, problems))
  scene.add(undefined, () => Promise.all(relays.map(endRelay)))
  const told: Told = { committed: [], rolledBack: [], orders: [] }
  const storm = { isOver: false }
  const writing = writeAll({ audit, pool, sql }, told, storm)
  writing.catch(() => undefined) // Awaited below.
  const strikes: Record<(typeof blows)[number], () => Promise<unknown>> = {
    cut: async () => proxy.cut(),
    cutSoon: async () => {
      proxy.cutsAfter.push(3_000, 4_000)
      proxy.cut()
    },
    kill: () => kill(relays[0] as ChildProcess),
    killBoth: () => Promise.all(relays.map(kill)),
    killUnrecorded: () => killUnrecorded(relays, pool),
    endSessions: () => pool.query(endRelaysSessions),
    killPort: async () => {
      await port.stop("SIGKILL")
      port = await startPort(installation.configFile)
    },
  }
  for (const [i, blow] of blows.entries()) {
    await until(() => proxy.isUsed || undefined, waitMs, "a relay at the port")
    await pause((i * 37) % 100)
    await strikes[blow]()
    for (const [at, relay] of relays.entries()) {
      const driver = drivers[at] as Driver
      if (relay.signalCode !== null)
        relays[at] = startRelay(driver, database.url, profile, problems)
    }
  }
  storm.isOver = true
  await writing
  await drained(audit)
  const entries = await Entries.follow(installation.log)
  scene.add(entries, (one) => one.close())
  const logged = (await entries.all())
    .filter(({ event }) => event.source === "app://shop")
    .map(({ event }) => String(event.id))
  checkOnce(results, logged, told)
  await checkRefused(results, { audit, pool }, entries, problems)
  await Promise.all(relays.map(endRelay))
  await checkExamples(results, { pool, url: database.url, profile }, entries)
}

async function kill(relay: ChildProcess): Promise<void> {
  const gone = once(relay, "exit")
  relay.kill("SIGKILL")
  await gone
}

/** Between the port's acknowledgement and the record of it: nothing can be recorded while the table is locked, and what waits to be is ended. */
async function killUnrecorded(relays: readonly ChildProcess[], pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query("BEGIN; LOCK TABLE postern_outbox_batch IN SHARE MODE")
    await pause(120)
    await Promise.all(relays.map(kill))
    await client.query(endRelaysSessions)
    await client.query("ROLLBACK")
  } finally {
    client.release()
  }
}

function checkOnce(results: Results, logged: readonly string[], told: Told): void {
  const counts = new Map<string, number>()
  for (const id of logged) counts.set(id, (counts.get(id) ?? 0) + 1)
  const missing = told.committed.filter((id) => !counts.has(id))
  const repeated = [...counts].filter(([, count]) => count > 1)
  const ghosts = told.rolledBack.filter((id) => counts.has(id))
  const what = `${told.committed.length} committed events, relays and port killed and cut off`
  results.check(
    missing.length === 0,
    `${what}: none is missing in the log`,
    missing.slice(0, 3).join(" "),
  )
  results.check(repeated.length === 0, `${what}: none is there twice`, String(repeated.slice(0, 3)))
  const none = told.rolledBack.length > 0 && ghosts.length === 0
  results.check(
    none,
    `${told.rolledBack.length} that were rolled back are not`,
    ghosts.slice(0, 3).join(" "),
  )
  const places = new Map(logged.map((id, place) => [id, place]))
  const isInOrder = told.orders.every((ids) => {
    return ids.every(
      (id, i) => i === 0 || (places.get(ids[i - 1] as string) ?? 0) < (places.get(id) ?? 0),
    )
  })
  results.check(isInOrder, "what one client committed stands in its order")
}

/** What the port does not take is kept aside, and told, and holds nothing up. */
async function checkRefused(
  results: Results,
  { audit, pool }: { audit: Outbox; pool: pg.Pool },
  entries: Entries,
  problems: readonly RelayProblem[],
): Promise<void> {
  const refused = await audit.in(pool, "money.printed", { actor: "mallory" })
  await pool.query("INSERT INTO postern_outbox (event) VALUES ('this is no JSON')")
  const after = await audit.in(pool, "order.placed", { actor: "alice" })
  await entries.find("the event behind those that were refused", ({ event }) => event.id === after)
  await drained(audit)
  const { rows } = await pool.query(
    "SELECT code, convert_from(event, 'UTF8') AS event FROM postern_outbox_refused ORDER BY code",
  )
  const codes = rows.map(({ code }) => code).join(" ")
  const isKept = rows.some(({ event }) => event.includes(refused))
  const expected = codes === "EVENT_ACTION_NOT_GRANTED EVENT_SYNTAX"
  results.check(expected && isKept, "what the port refuses is kept aside with its code", codes)
  const wasTold = await until(
    () => problems.some(({ code }) => code === "EVENT_SYNTAX") || undefined,
    waitMs,
    "the problem",
  ).catch(() => false)
  results.check(wasTold === true, "and told to onProblem")
}

/** examples/outbox as they stand. */
async function checkExamples(
  results: Results,
  { pool, url, profile }: { pool: pg.Pool; url: string; profile: string },
  entries: Entries,
): Promise<void> {
  await pool.query("CREATE TABLE invoices (id text PRIMARY KEY)")
  const env = { ...process.env, DATABASE_URL: url, POSTERN_PROFILE: profile }
  const files = ["app.js", "app-postgres.js", "relay.js"].map((name) => `examples/outbox/${name}`)
  const [app = "", other = "", relay = ""] = files
  const running = spawn(process.execPath, [relay], {
    env,
    cwd: house,
    stdio: ["ignore", "inherit", "inherit"],
  })
  try {
    for (const example of [app, other]) {
      const ran = await run(process.execPath, [example], { env, cwd: house })
      results.check(ran.code === 0, `${example} runs`, ran.text)
    }
    for (const id of ["4711", "4712"]) {
      const isIt = ({ event }: Indexed): boolean => {
        return (
          event.action === "invoice.created" && (event.targets as { id: string }[])[0]?.id === id
        )
      }
      await entries.find(`the invoice ${id} of the examples`, isIt)
    }
  } finally {
    const gone = once(running, "exit")
    running.kill("SIGTERM")
    const [code] = await gone
    results.check(code === 0, `${relay} has brought them to the port, and ends when it is asked to`)
  }
  checkPage(results, "docs/reference/outbox.md", files)
}

async function drained(audit: Outbox): Promise<void> {
  await until(
    async () => ((await audit.waiting()).events === 0 ? true : undefined),
    waitMs,
    "an empty outbox",
  )
}

function startRelay(
  driver: Driver,
  url: string,
  profile: string,
  problems: RelayProblem[],
): ChildProcess {
  const child = fork(script, [driver, url, profile], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  })
  child.on("message", (problem: RelayProblem) => problems.push(problem))
  return child
}

async function endRelay(relay: ChildProcess): Promise<void> {
  if (relay.exitCode !== null || relay.signalCode !== null) return
  const gone = once(relay, "exit")
  relay.disconnect()
  await gone
}

type Databases = { audit: Outbox; pool: pg.Pool; sql: postgres.Sql }

async function writeAll(
  databases: Databases,
  told: Told,
  storm: { readonly isOver: boolean },
): Promise<void> {
  const writing = Array.from({ length: clients }, async (_, client) => {
    const order: string[] = []
    told.orders.push(order)
    for (let i = 0; !storm.isOver; i++) {
      const isCommitted = (client + i) % 5 !== 0
      // Now and then one that goes on while many later ones commit.
      const heldMs = i % 30 === 7 ? 400 : (i * 7) % 25
      const write = client % 2 === 0 ? writeWithPg : writeWithPostgres
      const ids = await write(databases, { name: `${client}.${i}`, heldMs, isCommitted })
      if (isCommitted) {
        told.committed.push(...ids)
        order.push(...ids)
      } else told.rolledBack.push(...ids)
    }
  })
  await Promise.all(writing)
}

interface Work {
  readonly name: string
  readonly heldMs: number
  readonly isCommitted: boolean
}

async function writeWithPg({ audit, pool }: Databases, work: Work): Promise<string[]> {
  const client = await pool.connect()
  try {
    await client.query("BEGIN")
    const ids = await writeEvents(audit, client, work)
    await client.query(work.isCommitted ? "COMMIT" : "ROLLBACK")
    return ids
  } finally {
    client.release()
  }
}

async function writeWithPostgres({ audit, sql }: Databases, work: Work): Promise<string[]> {
  let ids: string[] = []
  const rollback = new Error("rolled back")
  await sql
    .begin(async (transaction) => {
      ids = await writeEvents(audit, transaction, work)
      if (!work.isCommitted) throw rollback
    })
    .catch((error) => {
      if (error !== rollback) throw error
    })
  return ids
}

async function writeEvents(
  audit: Outbox,
  transaction: Parameters<Outbox["in"]>[0],
  { name, heldMs }: Work,
): Promise<string[]> {
  const details = { actor: "alice", target: `order/${name}`, outcome: "success" as const }
  const note = "äöü \u0000 ".repeat(20)
  const first = await audit.in(transaction, "order.placed", { ...details, data: { note } })
  await pause(heldMs)
  return [first, await audit.in(transaction, "order.paid", details)]
}
