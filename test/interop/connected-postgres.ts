import { spawn, spawnSync } from "node:child_process"
import { appendFileSync, existsSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { type ConnectingHouse, ended, rewrite, startPostern } from "./connected.ts"
import { freePorts, run } from "./port-process.ts"
import type { Results } from "./results.ts"

const debian = "/usr/lib/postgresql/15"
/** Root may not run it: in a user namespace of its own nobody is root, and files belong to who made them all the same. */
const asNobody = process.getuid?.() === 0 ? ["unshare", "--user"] : []

/** A PostgreSQL with the configuration as it was written, and an agent beside it. */
export async function checkAuditedPostgres(
  house: ConnectingHouse,
  results: Results,
): Promise<void> {
  const whyNot = whyNoAudit()
  if (whyNot !== undefined && process.env.CI === undefined) return console.log(`skipped: ${whyNot}`)
  if (whyNot !== undefined) return results.check(false, whyNot)
  const fileOf = (name: string) => house.file("postgresql", name)
  const room = house.room("postgresql")
  const [data, logs] = [join(room, "data"), join(room, "log")]
  mkdirSync(logs)
  rewrite(fileOf("postern.conf"), [["/var/log/postgresql", logs]])
  const state = ["/var/lib/postern-agent", join(room, "state")] as const
  rewrite(fileOf("agent.yaml"), [["/var/log/postgresql", logs], state])
  const initdb = [join(debian, "bin/initdb"), "--pgdata", data, "--auth", "trust", "--no-sync"]
  await runAs([...initdb, "--username", "postgres", "--no-locale", "--encoding", "UTF8"])
  appendFileSync(join(data, "postgresql.conf"), `include '${fileOf("postern.conf")}'\n`)
  const [port] = await freePorts(1)
  const settings = ["fsync=off", "listen_addresses=127.0.0.1", `unix_socket_directories=${room}`]
  const args = ["-D", data, "-p", `${port}`, ...settings.flatMap((setting) => ["-c", setting])]
  const [command = "", ...rest] = [...asNobody, join(debian, "bin/postgres"), ...args]
  const server = spawn(command, rest, { stdio: "ignore" })
  const agent = startPostern(["agent", "--config", fileOf("agent.yaml")])
  try {
    const statements =
      "CREATE EXTENSION pgaudit; CREATE TABLE postern_hello (); DROP TABLE postern_hello"
    const psql = `psql --host 127.0.0.1 --port ${port} --username postgres --command '${statements}'`
    await run("sh", ["-c", `for i in $(seq 300); do ${psql} && exit 0; sleep 0.1; done; exit 1`])
    await house.checkFirst(results, "postgresql", /^pg\./)
    const said = await house.countOf("action:pg.create_table OR action:pg.drop_table", 2)
    results.check(said === 2, "postgresql: what pgAudit said of two statements", `${said}`)
  } finally {
    await ended(agent, "SIGTERM")
    await ended(server, "SIGQUIT")
  }
}

function whyNoAudit(): string | undefined {
  if (!existsSync(join(debian, "lib/pgaudit.so"))) return "postgresql-15-pgaudit is not installed"
  const [command = "true", ...args] = [...asNobody, "true"]
  return spawnSync(command, args).status === 0 ? undefined : "root gets no user namespace"
}

async function runAs(words: readonly string[]): Promise<void> {
  const [command = "", ...args] = [...asNobody, ...words]
  const { code, text } = await run(command, args)
  if (code !== 0) throw new Error(text)
}
