/**
 * A relay in a process of its own, which the test kills at any moment: `outbox-relay.ts pg|postgres URL PROFILE`. Tells its parent what
 * went wrong; ends by itself when it is disconnected from it.
 */
import pg from "pg"
import postgres from "postgres"
import { startRelay } from "../../packages/client/dist/outbox/relay.js"

const [driver, url = "", profile = ""] = process.argv.slice(2)
const database =
  driver === "pg" ? pool() : postgres(url, { max: 3, connection: { application_name: "relay" } })
const tell = (problem: object): void => {
  if (process.connected) process.send?.(problem)
}
const timing = { leaseMs: 600, pollMs: 100 }
const relay = startRelay(database, profile, { onProblem: tell }, timing)
process.on("disconnect", () => {
  relay.close(2_000).then(
    () => process.exit(0),
    () => process.exit(1),
  )
})

function pool(): pg.Pool {
  const made = new pg.Pool({ connectionString: url, max: 3, application_name: "relay" })
  made.on("error", () => undefined) // Connections are cut on purpose.
  return made
}
