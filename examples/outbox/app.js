import { outbox } from "@postern/client/outbox"
import pg from "pg"

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const audit = outbox(pool, { source: "app://shop" })

const client = await pool.connect()
await client.query("BEGIN")
await client.query("INSERT INTO invoices (id) VALUES ($1)", ["4711"])
await audit.in(client, "invoice.created", { actor: "alice", target: "invoice/4711", outcome: "success" })
await client.query("COMMIT")
client.release()
await pool.end()
