import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { createInterface } from "node:readline"
import type { AuditEvent } from "../audit-events.ts"
import { familyCpuSeconds, familyRssMb } from "../process-family.ts"
import type { Database, DatabaseKind } from "./database.ts"
import { askSql, type Dialect, quote } from "./sql.ts"

const schema =
  "CREATE TABLE e(seq bigint, received bigint, source text, action text, outcome text, actor text, target text, event jsonb)"
const indexes = [
  "ALTER TABLE e ADD PRIMARY KEY (seq)",
  "CREATE INDEX ON e(actor, seq)",
  "CREATE INDEX ON e(target, seq)",
  "CREATE INDEX ON e(action, outcome, seq)",
  "CREATE INDEX ON e USING brin(received)",
  "CREATE INDEX ON e USING gin(event jsonb_path_ops)",
  "CREATE INDEX ON e USING gin(to_tsvector('simple', event))",
  "VACUUM ANALYZE e",
  "CHECKPOINT",
]

const holding = (value: object): string => `event @> ${quote(JSON.stringify(value))}`

const dialect: Dialect = {
  table: "e",
  columns: "seq, event",
  words: (words) =>
    `to_tsvector('simple', event) @@ to_tsquery('simple', ${quote(words.join(" & "))})`,
  ticket: (value) => holding({ data: { ticket: value } }),
  namespace: (value) => holding({ data: { kubernetes: { objectRef: { namespace: value } } } }),
  bucket: (width) => `received / ${width}`,
}

/** Where the programmes of the server stand: on the path, or where Debian puts them. */
function serverBinary(name: string): string | undefined {
  const debian = "/usr/lib/postgresql"
  const versions = existsSync(debian) ? readdirSync(debian).toSorted().reverse() : []
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...versions.map((version) => join(debian, version, "bin")),
  ]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** A server refuses to run as root: then it runs as nobody. */
const nobody = 65_534
const owner = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}

const settings = {
  shared_buffers: "512MB",
  maintenance_work_mem: "512MB",
  max_wal_size: "4GB",
  listen_addresses: "",
  fsync: "on",
  jit: "off",
}

export const postgres: DatabaseKind = {
  name: "PostgreSQL",
  holds: "columns and the events as jsonb, with GIN indexes of members and words",
  async missing() {
    const absent = ["initdb", "postgres", "psql"].find((name) => serverBinary(name) === undefined)
    return absent === undefined ? undefined : `no ${absent} here: install PostgreSQL's server`
  },
  async open(directory) {
    const data = join(directory, "cluster")
    // A socket's path may have 107 bytes, and the directory's own may be longer.
    const sockets = mkdtempSync(join(tmpdir(), "postern-pg-"))
    if ("uid" in owner) chownSync(sockets, nobody, nobody)
    const isNew = !existsSync(join(data, "PG_VERSION"))
    if (isNew) makeCluster(data)
    const set = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    const server = spawn(serverBinary("postgres") ?? "", ["-D", data, "-k", sockets, ...set], {
      ...owner,
      cwd: "/",
      stdio: ["ignore", "ignore", "pipe"],
    })
    process.once("exit", () => {
      server.kill("SIGQUIT")
      rmSync(sockets, { recursive: true, force: true })
    })
    await untilReady(server)
    const session = openSession(sockets)
    if (isNew) await session.run(schema)
    return openDatabase(server, session, sockets)
  },
}

function makeCluster(data: string): void {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  if ("uid" in owner) chownSync(data, nobody, nobody)
  const how = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
  execFileSync(serverBinary("initdb") ?? "", how, { ...owner, cwd: "/", stdio: "ignore" })
}

async function untilReady(server: ChildProcess): Promise<void> {
  let said = ""
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000)
      if (said.includes("ready to accept connections")) resolve()
    })
    server.once("exit", () => reject(new Error(`PostgreSQL does not start: ${said}`)))
  })
}

interface Session {
  /** First columns of the rows. */
  run(sql: string): Promise<readonly string[]>
  close(): Promise<void>
}

const endMark = "end-of-answer"

function psqlArguments(sockets: string): string[] {
  const how = ["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
  return [...how, "-h", sockets, "-U", "postgres", "-d", "postgres"]
}

/** One psql that stays: a question costs a line on its pipe and no start of a process. */
function openSession(sockets: string): Session {
  const psql = spawn(serverBinary("psql") ?? "", psqlArguments(sockets))
  const lines = createInterface({ input: psql.stdout })
  let rows: string[] = []
  let said = ""
  let answer: { resolve(rows: string[]): void; reject(error: Error): void } | undefined
  lines.on("line", (line) => {
    if (line !== endMark) {
      rows.push(line.split("\t", 1)[0] ?? "")
      return
    }
    const found = rows
    rows = []
    answer?.resolve(found)
  })
  psql.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-1000)
  })
  const ended = once(psql, "exit")
  psql.once("exit", () => answer?.reject(new Error(`psql has ended: ${said}`)))
  return {
    run: (sql) =>
      new Promise((resolve, reject) => {
        answer = { resolve, reject }
        psql.stdin.write(`${sql};\n\\echo ${endMark}\n`)
      }),
    async close() {
      psql.stdin.end()
      await ended
    },
  }
}

function openDatabase(server: ChildProcess, session: Session, sockets: string): Database {
  const pid = server.pid ?? 0
  let rssMb = 0
  const look = setInterval(() => {
    rssMb = Math.max(rssMb, familyRssMb(pid))
  }, 500)
  look.unref()
  return {
    async load(events) {
      const copy = spawn(serverBinary("psql") ?? "", [
        ...psqlArguments(sockets),
        ...["-c", "COPY e FROM STDIN"],
      ])
      const ended = once(copy, "exit")
      for (const event of events) {
        if (!copy.stdin.write(copyLine(event))) await once(copy.stdin, "drain")
      }
      copy.stdin.end()
      const [status] = await ended
      if (status !== 0) throw new Error("PostgreSQL did not take the events")
    },
    async finish() {
      for (const statement of indexes) await session.run(statement)
    },
    serverCpuSeconds: () => familyCpuSeconds(pid),
    serverRssMb: () => rssMb,
    ask: (question) => askSql(dialect, session.run, question),
    async close() {
      clearInterval(look)
      await session.close()
      const ended = once(server, "exit")
      server.kill("SIGINT")
      await ended
      rmSync(sockets, { recursive: true, force: true })
    },
  }
}

function copyLine(event: AuditEvent): string {
  const { number, received, source, action, outcome, actor, target, text } = event
  const json = text.replaceAll("\\", "\\\\")
  return `${[number, received, source, action, outcome, actor, target, json].join("\t")}\n`
}
