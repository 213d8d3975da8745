import { decodeUtf8, encodeUtf8, PosternError } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { expect, test } from "vitest"
import { disclose } from "./disclosed.ts"
import type { LogEntry } from "./entry.ts"

const salt = "A".repeat(22)
const inner = encodeDisclosure(salt, "street", encodeUtf8('"12 Rue"'))
const outer = encodeDisclosure(salt, "data", encodeUtf8(`{"_sd":["${disclosureDigest(inner)}"]}`))
const element = encodeDisclosure(salt, undefined, encodeUtf8('"x"'))
const _policy = { sealed: 3 }
const event = {
  _policy,
  _sd: [disclosureDigest(outer)],
  origin: { list: [0, { "...": disclosureDigest(element) }] },
}

/** What a reader makes of the entry, if the port has these values. */
function ask(...values: readonly Uint8Array[]) {
  const asked: string[] = []
  const text = async (path: string): Promise<string> => {
    asked.push(path)
    const found = values.find(
      (json) => path === `/v1/entries/7/disclosures/${disclosureDigest(json)}`,
    )
    if (found === undefined) throw new PosternError("DISCLOSURE_MISSING", "erased")
    return decodeUtf8(found) ?? ""
  }
  const entry = { index: 7, event } as Pick<LogEntry, "index" | "event"> as LogEntry
  return disclose({ text }, entry).then((disclosed) => ({ ...disclosed, asked }))
}

test("values inside the event and inside its values come back to their places", async () => {
  const found = await ask(inner, outer, element)
  expect(found.event).toEqual({ _policy, data: { street: "12 Rue" }, origin: { list: [0, "x"] } })
  expect([found.fetched, found.withheld, found.asked.length]).toEqual([3, [], 3])
})

test("what is erased is named, asked for once, and the rest is there", async () => {
  const found = await ask(outer, element)
  const digest = disclosureDigest(inner)
  expect(found.withheld).toEqual([{ digest, state: "erased" }])
  expect([found.fetched, found.asked.length]).toEqual([2, 3])
  expect(found.event).toMatchObject({ data: { _sd: [digest] }, origin: { list: [0, "x"] } })
})

test("another value than the one that was asked for is refused", async () => {
  const text = async () => decodeUtf8(element) ?? ""
  const entry = { index: 7, event } as Pick<LogEntry, "index" | "event"> as LogEntry
  const swapped = { ...entry, event: { ...event, origin: {} } }
  await expect(disclose({ text }, swapped)).rejects.toMatchObject({ code: "DISCLOSURE_INVALID" })
})
