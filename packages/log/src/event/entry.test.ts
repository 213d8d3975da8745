import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { concatBytes, encodeUtf8, isPosternError, limits } from "../base/index.ts"
import { parseEntry, splitLeaf } from "./entry.ts"
import { formatStamp } from "./stamp.ts"

const nonce = new Uint8Array(16)
const stamp = { received: 1764000000000000, open: 12, sequence: 345, nonce, changed: 0 } as const
const leafOf = (event: string): Uint8Array => encodeUtf8(`${formatStamp(stamp)}\n${event}`)

const codeOf = (leaf: Uint8Array): string => {
  try {
    parseEntry(leaf)
    return "accepted"
  } catch (error) {
    return isPosternError(error) ? error.code : String(error)
  }
}

describe("a leaf", () => {
  test("is split at the first line feed only", () => {
    const { stamp: head, event } = splitLeaf(encodeUtf8("a\nb\nc"))
    expect([head, event]).toEqual([encodeUtf8("a"), encodeUtf8("b\nc")])
  })

  test("without a line feed is refused", () => {
    expect(() => splitLeaf(encodeUtf8("abc"))).toThrow("no line feed")
  })

  test("becomes stamp and event, whose bytes are a view", () => {
    const leaf = leafOf('{"id":"a",\n"data":{"text":"é"}}')
    const entry = parseEntry(leaf)
    expect(entry.stamp).toEqual(stamp)
    expect(entry.event).toEqual({ id: "a", data: { text: "é" } })
    expect(entry.eventBytes.buffer).toBe(leaf.buffer)
    expect(entry.eventBytes).toEqual(splitLeaf(leaf).event)
  })

  test.each([
    ["nothing", new Uint8Array(0)],
    ["a line feed alone", encodeUtf8("\n")],
    ["no event", encodeUtf8(`${formatStamp(stamp)}\n`)],
    ["no stamp", encodeUtf8("\n{}")],
    ["an array", leafOf("[]")],
    ["null", leafOf("null")],
    ["a string", leafOf('"a"')],
    ["broken JSON", leafOf("{")],
    ["a byte order mark", leafOf("\ufeff{}")],
    ["an overlong stamp", encodeUtf8(`${" ".repeat(97)}\n{}`)],
    ["bad UTF-8 in the event", concatBytes(leafOf('{"a":"'), Uint8Array.of(0xff), leafOf('"}'))],
    ["bad UTF-8 in the stamp", concatBytes(Uint8Array.of(0xff), leafOf("{}"))],
    ["too many bytes", leafOf(`{"a":"${"x".repeat(limits.entryBytesMax)}"}`)],
  ])("that is %s is refused", (_, leaf) => {
    expect(codeOf(leaf)).toBe("ENTRY_SYNTAX")
  })

  test("of any bytes is an entry or refused, nothing else", () => {
    const good = leafOf('{"id":"a","actor":{"type":"user","id":"b"}}')
    const mutation = fc.tuple(fc.nat(good.length), fc.nat(3), fc.uint8Array({ maxLength: 3 }))
    fc.assert(
      fc.property(mutation, ([at, cut, added]) => {
        const mutated = concatBytes(good.subarray(0, at), added, good.subarray(at + cut))
        expect(["accepted", "ENTRY_SYNTAX"]).toContain(codeOf(mutated))
      }),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(bytes)).toBe("ENTRY_SYNTAX")
      }),
    )
  })

  test("of hostile depth does not overflow the stack", () => {
    const deep = `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`
    expect(["accepted", "ENTRY_SYNTAX"]).toContain(codeOf(leafOf(deep)))
  })
})
