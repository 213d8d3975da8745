import { outbox } from "@postern/client/outbox"
import pg from "pg"

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on("error", (error) => console.error(error.message))
const audit = outbox(pool, { source: "app://shop" })
await audit.createTables()
const relay = audit.relay(process.env.POSTERN_PROFILE)

process.once("SIGTERM", async () => {
  await relay.close()
  await pool.end()
})
