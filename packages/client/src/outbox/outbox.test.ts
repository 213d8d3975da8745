import { isPosternError } from "@postern/log/base"
import { expect, it } from "vitest"
import { runInContext } from "../context/index.ts"
import { outbox } from "./outbox.ts"
import { insertEvent, outboxSchema } from "./schema.ts"

interface Sent {
  readonly text: string
  readonly values: readonly string[]
}

/** A transaction of pg that keeps what it was sent. */
function pgTransaction(sent: Sent[], rows: object[] = []) {
  return {
    async query(text: string, values: string[]) {
      sent.push({ text, values })
      return { rows }
    },
  }
}

/** One of postgres.js. */
function postgresTransaction(sent: Sent[]) {
  return {
    async unsafe(text: string, values: string[]) {
      sent.push({ text, values })
      return []
    },
  }
}

const code = (expected: string) =>
  expect.toSatisfy((error) => isPosternError(error) && error.code === expected)

function eventOf({ values }: Sent): Record<string, unknown> {
  return JSON.parse(Buffer.from(values[0] as string, "base64").toString())
}

it("sends the whole event with either driver, its id made here", async () => {
  const sent: Sent[] = []
  const audit = outbox(pgTransaction([]), { source: "app://shop" })
  const details = { actor: "alice", target: "order/1", data: { note: "ä\u0000" } }
  const first = await audit.in(pgTransaction(sent), "order.placed", details)
  const second = await audit.in(postgresTransaction(sent), "order.placed", details)
  expect(sent.map(({ text }) => text)).toEqual([insertEvent, insertEvent])
  for (const [i, id] of [first, second].entries()) {
    expect(eventOf(sent[i] as Sent)).toMatchObject({
      ...{ id, source: "app://shop", action: "order.placed", outcome: "unknown" },
      ...{ actor: { type: "user", id: "alice" }, data: { note: "ä\u0000" } },
    })
  }
  expect(first).not.toBe(second)
})

it("fills in from the context what the event leaves open", async () => {
  const sent: Sent[] = []
  const audit = outbox(pgTransaction([]), { source: "app://shop" })
  await runInContext({ actor: "bob", trace: { runId: "r1" } }, () => {
    return audit.in(pgTransaction(sent), "order.placed", {})
  })
  expect(eventOf(sent[0] as Sent)).toMatchObject({ actor: { id: "bob" }, trace: { runId: "r1" } })
})

it("sends nothing of an event that cannot be", async () => {
  const sent: Sent[] = []
  const audit = outbox(pgTransaction([]), { source: "app://shop" })
  const write = (action: string, details: object) => audit.in(pgTransaction(sent), action, details)
  await expect(write("order.placed", {})).rejects.toEqual(code("EVENT_MISSING_FIELD"))
  await expect(write("postern.lied", { actor: "a" })).rejects.toEqual(code("EVENT_SELF_ACTION"))
  const large = { actor: "a", data: { note: "x".repeat(70_000) } }
  await expect(write("order.placed", large)).rejects.toEqual(code("EVENT_TOO_LARGE"))
  expect(sent).toEqual([])
})

it("tells what the database said", async () => {
  const failing = {
    query: () => Promise.reject(new Error('relation "postern_outbox" does not exist')),
  }
  const audit = outbox(failing, { source: "app://shop" })
  const written = audit.in(failing, "order.placed", { actor: "alice" })
  await expect(written).rejects.toEqual(code("OUTBOX_DATABASE"))
  await expect(audit.waiting()).rejects.toThrow('"postern_outbox" does not exist')
})

it("makes its tables by the text that a migration gets", async () => {
  const sent: Sent[] = []
  await outbox(pgTransaction(sent), { source: "app://shop" }).createTables()
  expect(sent).toEqual([{ text: outboxSchema, values: [] }])
})

it("counts what waits", async () => {
  const database = pgTransaction([], [{ waiting: "12", refused: "3" }])
  const audit = outbox(database, { source: "app://shop" })
  expect(await audit.waiting()).toEqual({ events: 12, refused: 3 })
})

it("takes only a writer's profile for a relay", () => {
  const audit = outbox(pgTransaction([]), { source: "app://shop" })
  expect(() => audit.relay("/nowhere/profile.yaml")).toThrow(code("PROFILE_INVALID"))
})
