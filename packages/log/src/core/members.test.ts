import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bytesOf, type Desk, desks, parseStrictly } from "./twins.test.fixture.ts"

type Member = readonly [key: string, value: string]

/** -1, -2 or the members, as text. `behind` stands behind the text and must make no difference. */
function membersAt(
  desk: Desk,
  bytes: Uint8Array,
  spansMax: number,
  behind = "",
): Member[] | number {
  const { core, view, text, spans } = desk
  core.memory.set(bytes, text)
  core.memory.fill(0, text + bytes.length, text + bytes.length + 256)
  core.memory.set(Buffer.from(behind), text + bytes.length)
  core.memory.fill(0xcc, spans, spans + 16 * (spansMax + 1))
  const count = core.members(text, text + bytes.length, spans, spansMax)
  expect(view.getUint32(spans + 16 * spansMax, true)).toBe(0xcccccccc)
  if (count < 0) return count
  return Array.from({ length: count }, (_, i) => {
    const [key = 0, keyLength = 0, value = 0, valueLength = 0] = new Uint32Array(
      core.memory.buffer,
      spans + 16 * i,
      4,
    )
    const show = (at: number, length: number): string =>
      Buffer.from(core.memory.subarray(at, at + length)).toString()
    return [show(key, keyLength), show(value, valueLength)] as const
  })
}

function members(text: string | Uint8Array, spansMax = 1000): Member[] | number {
  const bytes = typeof text === "string" ? bytesOf(text) : text
  const [wasm, plain] = desks.map((desk) => membersAt(desk, bytes, spansMax))
  expect(wasm).toEqual(plain)
  for (const behind of ["}", "]]]]}}}}", '"}', "0"]) {
    expect(membersAt(desks[0] as Desk, bytes, spansMax, behind)).toEqual(plain)
  }
  return wasm as Member[] | number
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

/**
 * Takes a text exactly if JSON.parse makes an object or an array of it, and finds the same values.
 */
function compareWithParse(bytes: Uint8Array): void {
  const found = members(bytes)
  const value = parseStrictly(bytes)?.value
  const isList = typeof value === "object" && value !== null && depthOf(value) <= 34
  expect(found !== -1, Buffer.from(bytes).toString("latin1")).toBe(isList)
  if (typeof found === "number") return
  const values = found.map(([key, text]) => [JSON.parse(`"${key}"`), JSON.parse(text)])
  if (Array.isArray(value)) expect(values).toEqual(value.map((item) => ["", item]))
  else expect(Object.fromEntries(values)).toEqual(value)
}

const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`

describe("members", () => {
  it("finds the members of an object and the elements of an array", () => {
    expect(members('{"a":1,"b":"x","c":{"d":[1,2]},"e\\n":[ ],"":null}')).toEqual([
      ["a", "1"],
      ["b", '"x"'],
      ["c", '{"d":[1,2]}'],
      ["e\\n", "[ ]"],
      ["", "null"],
    ])
    expect(members(' [ 1 , -2.5e3 , "é\\"" , { } , [ [ ] ] , true , false ] \n')).toEqual(
      ["1", "-2.5e3", '"é\\""', "{ }", "[ [ ] ]", "true", "false"].map((value) => ["", value]),
    )
    expect(members("{}")).toEqual([])
    expect(members(" [\n] ")).toEqual([])
    expect(members('{"a":1,"a":2,"\\u0061":3}')).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["\\u0061", "3"],
    ])
  })

  it("refuses what is not one object or array", () => {
    for (const text of [
      "",
      " ",
      "1",
      '"a"',
      "null",
      "[1]]",
      "{}{}",
      "[1] 2",
      "[,]",
      "{,}",
      "[1,]",
    ]) {
      expect(members(text), text).toBe(-1)
    }
  })

  it("goes down to depth 34 and no deeper", () => {
    expect(members(nested(34))).toEqual([["", nested(33)]])
    expect(members(nested(35))).toBe(-1)
    expect(members(`{"a":${nested(33)}}`)).toEqual([["a", nested(33)]])
    expect(members(`{"a":${nested(34)}}`)).toBe(-1)
    expect(members("[".repeat(100_000))).toBe(-1)
  })

  it("says when there are more than asked for, and writes no more", () => {
    expect(members("[1,2,3]", 3)).toHaveLength(3)
    expect(members("[1,2,3]", 2)).toBe(-2)
    expect(members("[1,2,3]", 0)).toBe(-2)
    expect(members("[]", 0)).toEqual([])
    expect(members("[1,2,3", 2)).toBe(-1)
  })

  it("takes generated texts exactly if JSON.parse does", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 6 }),
        fc.constantFrom("", " ", "\t"),
        (value, indent) => {
          compareWithParse(bytesOf(JSON.stringify(value, undefined, indent)))
        },
      ),
      { numRuns: 1500 },
    )
  })

  it("takes mutated texts exactly if JSON.parse does", () => {
    const piece = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc.constantFrom(...'"\\{}[],: \n0123.eE+-tfnu/éÿ\u0000'.split("")).map(bytesOf),
      fc.constantFrom("true", "false", "null", "\\u12aF", "\\ud800", "😀", "\ufeff").map(bytesOf),
    )
    const text = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value))
    const mutation = fc.record({ at: fc.nat(), drop: fc.nat({ max: 2 }), piece })
    fc.assert(
      fc.property(text, fc.array(mutation, { minLength: 1, maxLength: 2 }), (start, mutations) => {
        let bytes = Buffer.from(`[${start}]`)
        for (const { at, drop, piece } of mutations) {
          const place = at % (bytes.length + 1)
          const rest = bytes.subarray(Math.min(bytes.length, place + drop))
          bytes = Buffer.concat([bytes.subarray(0, place), piece, rest])
        }
        compareWithParse(new Uint8Array(bytes))
      }),
      { numRuns: 4000 },
    )
  })

  it("takes all two-byte sequences, and longer ones at their edges, as UTF-8 does", () => {
    const edges = [0x22, 0x5c, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xff]
    const sequences: number[][] = []
    for (let first = 0x80; first < 0x100; first++) {
      for (let second = 0; second < 0x100; second++) sequences.push([first, second])
    }
    for (let first = 0xe0; first < 0xf8; first++) {
      for (const second of edges) {
        for (const third of [0x22, 0x7f, 0x80, 0xbf, 0xc0]) {
          sequences.push([first, second, third])
          for (const fourth of [0x22, 0x7f, 0x80, 0xbf, 0xc0]) {
            sequences.push([first, second, third, fourth])
          }
        }
      }
    }
    const { core, text, spans } = desks[0] as Desk
    const decoder = new TextDecoder("utf-8", { fatal: true })
    for (const sequence of sequences) {
      const bytes = Uint8Array.from([0x5b, 0x22, ...sequence, 0x22, 0x5d])
      core.memory.set(bytes, text)
      const taken = core.members(text, text + bytes.length, spans, 10) === 1
      const isText =
        !sequence.includes(0x22) && !sequence.includes(0x5c) && isUtf8(decoder, sequence)
      const isPlain = sequence.every((byte) => byte >= 0x20)
      const isLonger = sequence.includes(0x22) || sequence.includes(0x5c)
      if (!isLonger && taken !== (isText && isPlain)) throw new Error(`wrong about ${sequence}`)
      if (isLonger && taken && parseStrictly(bytes) === undefined) {
        throw new Error(`taken: ${sequence}`)
      }
    }
  })
})

function isUtf8(decoder: InstanceType<typeof TextDecoder>, sequence: readonly number[]): boolean {
  try {
    decoder.decode(Uint8Array.from(sequence))
    return true
  } catch {
    return false // The one thing decode() throws for is invalid input, which is our answer.
  }
}
