/**
 * `@postern/client/outbox`: audit events that are committed with the application's own transaction, in PostgreSQL, and brought to the
 * port from there, each exactly once. The application needs its database only, the relay a writer's profile too.
 *
 *     outbox.ts: in(tx) ──INSERT──▶ postern_outbox ──claim──▶ postern_outbox_batch ──▶ port ──▶ DELETE
 *     relay.ts ─▶ shift.ts ─▶ tables.ts (schema.ts has the statements) ─▶ database.ts (pg or postgres)
 *                     └─▶ table-frames.ts ─▶ the writer room's Sender ─▶ refused-events.ts
 *
 * Exactly once, because one stream of postern/1 is kept in the database: a claim moves rows into a batch and gives it the stream's next
 * sequence in one statement, before anything of it is sent, and it goes only after the port has answered for it. Whoever sends it again
 * sends the same bytes at the same sequence, which the port recognises however often and from wherever it comes.
 *
 * No row is skipped, because no claim remembers a position: it takes what is there, whenever it was committed. What was committed before
 * another event was even written has a lower position and is seen by whoever sees that one, so it stands before it in the log.
 */
export type { OutboxDatabase, OutboxTransaction } from "./database.ts"
export { type Outbox, type OutboxOptions, outbox, type Waiting } from "./outbox.ts"
export type { Relay, RelayOptions, RelayStatus } from "./relay.ts"
export { outboxSchema } from "./schema.ts"
