import { outbox } from "@postern/client/outbox"
import postgres from "postgres"

const sql = postgres(process.env.DATABASE_URL)
const audit = outbox(sql, { source: "app://shop" })

await sql.begin(async (transaction) => {
  await transaction`INSERT INTO invoices (id) VALUES (${"4712"})`
  await audit.in(transaction, "invoice.created", { actor: "alice", target: "invoice/4712", outcome: "success" })
})
await sql.end()
