import { encodeUtf8, isPosternError } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Outline } from "./outline.ts"
import { core } from "./workbench.test.support.ts"

const at = core.reserve(1 << 16)
const spans = core.reserve(1 << 14)
const json = fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom("", " ", "\n\t\r "))
const text = json.map(([value, space]) => JSON.stringify(value, undefined, space))

function load(bytes: Uint8Array): number {
  core.memory.fill(0x5d, at, at + 200)
  core.memory.set(bytes, at)
  return at + bytes.length
}

function outlineOf(end: number): string[] | "refused" {
  try {
    const found: string[] = []
    for (const line = new Outline(core.memory, at, end); !line.done; line.advance()) {
      found.push([line.keyAt, line.keyEnd - line.keyAt, line.at, line.end - line.at].join())
    }
    return found
  } catch (error) {
    if (!isPosternError(error) || error.code !== "HTTP_BODY_SYNTAX") throw error
    return "refused"
  }
}

function membersOf(end: number): string[] | "refused" {
  const count = core.members(at, end, spans, 1024)
  if (count < 0) return "refused"
  const u32 = new Uint32Array(core.memory.buffer, spans, 4 * count)
  const isArray = count > 0 && u32[0] === 0
  return Array.from({ length: count }, (_, i) => {
    const [key, keyLength, value, length] = u32.subarray(4 * i, 4 * i + 4)
    return [isArray ? 0 : key, isArray ? 0 : keyLength, value, length].join()
  })
}

describe("an outline", () => {
  it("finds what strict reading finds, for all that is strict", () => {
    const array = fc.array(text, { maxLength: 6 }).map((items) => ` [${items.join(" , ")} ]\n`)
    const object = fc
      .array(
        fc.tuple(
          fc.string().map((key) => JSON.stringify(key)),
          text,
        ),
        { maxLength: 6 },
      )
      .map((members) => `{${members.map(([key, value]) => `${key} : ${value}`).join(",")}} `)
    fc.assert(
      fc.property(fc.oneof(array, object), (whole) => {
        const end = load(encodeUtf8(whole))
        const strict = membersOf(end)
        expect(strict).not.toBe("refused")
        expect(outlineOf(end)).toEqual(strict)
      }),
      { numRuns: 300 },
    )
  })

  it("agrees with strict reading or refuses or goes on, whatever bytes are changed", () => {
    const start = `[{"a":"x,\\"]","b":[1,{"c":"}"}]},null , 12,"é",[],{} ]`
    const edit = fc.tuple(fc.nat(70), fc.constantFrom(...'[]{},:"\\ 0x\u00ff'))
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), fc.nat(70), (edits, cut) => {
        const bytes = encodeUtf8(start).slice(0, cut)
        for (const [where, character] of edits) {
          if (where < bytes.length) bytes[where] = character.charCodeAt(0)
        }
        const end = load(bytes)
        const outline = outlineOf(end)
        const strict = membersOf(end)
        if (strict !== "refused") expect(outline).toEqual(strict)
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    "",
    " ",
    "x",
    '"[]"',
    "1",
    "[",
    "{",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1,,2]",
    "[1}",
    "{1]",
    "[{]}",
    "[1]]",
    "[1] x",
    "[1],",
    "[][]",
    '["',
    '["\\',
    '["\\"]',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,"a":1}',
    "{a:1}",
    "{1:2}",
    '{"a" 1}',
    '{"a',
    '{"a:1}',
    "[1\\]x",
  ])("is broken in %j", (text) => {
    expect(outlineOf(load(encodeUtf8(text)))).toBe("refused")
  })

  it("goes through any depth", () => {
    const deep = `[${"[".repeat(20_000)}${"]".repeat(20_000)},{}]`
    expect(outlineOf(load(encodeUtf8(deep)))).toHaveLength(2)
    expect(outlineOf(load(encodeUtf8("[".repeat(50_000))))).toBe("refused")
  })
})
