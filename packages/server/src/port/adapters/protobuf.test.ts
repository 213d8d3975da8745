import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeMessage } from "./otlp-oracle.test.support.ts"
import { bytesField, ProtobufFields, readVarint, varintBytes, varintLength } from "./protobuf.ts"

function fieldsOf(bytes: Uint8Array) {
  const fields = new ProtobufFields(bytes).open(0, bytes.length)
  const found: number[][] = []
  while (fields.next()) found.push([fields.number, fields.type, fields.at, fields.end])
  return { found, isBroken: fields.isBroken }
}

describe("the fields of a message", () => {
  test("are told with their numbers, types and places", () => {
    const bytes = Uint8Array.from([0x08, 0x96, 0x01, 0x12, 2, 1, 2, 0x19, ...Array(8).fill(0)])
    expect(fieldsOf(Uint8Array.from([...bytes, 0x25, 1, 2, 3, 4]))).toEqual({
      found: [
        [1, 0, 1, 3],
        [2, 2, 5, 7],
        [3, 1, 8, 16],
        [4, 5, 17, 21],
      ],
      isBroken: false,
    })
    expect(fieldsOf(new Uint8Array(0))).toEqual({ found: [], isBroken: false })
  })

  test.each([
    ["a tag of nothing", [0x00]],
    ["a tag that does not end", [0x88]],
    ["a number that does not end", [0x08, 0x80]],
    ["a number of eleven bytes", [0x08, ...Array(10).fill(0x80), 0x01]],
    ["a length beyond the end", [0x12, 5, 1]],
    ["a length beyond everything", [0x12, ...Array(9).fill(0xff), 0x01]],
    ["a fixed number that is cut off", [0x19, 1, 2]],
    ["a group", [0x0b, 0x0c]],
    ["a type that does not exist", [0x0e]],
    ["a field number beyond the largest", [0x80, 0x80, 0x80, 0x80, 0x10]],
  ])("end at %s", (_, bytes) => {
    expect(fieldsOf(Uint8Array.from(bytes))).toEqual({ found: [], isBroken: true })
  })

  test("never end beyond their message, and never loop", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (bytes, end) => {
        const fields = new ProtobufFields(bytes).open(0, Math.min(end, bytes.length))
        let last = 0
        while (fields.next()) {
          expect(fields.start).toBe(last)
          expect(fields.end).toBeLessThanOrEqual(end)
          last = fields.end
        }
        if (!fields.isBroken) expect(last).toBe(Math.min(end, bytes.length))
      }),
    )
  })
})

test("numbers of 64 bits are read exactly, lengths written as they are read", () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
      const bytes = encodeMessage("AnyValue", { value: { case: "intValue", value } })
      const read = readVarint(bytes, 1, bytes.length)
      expect(BigInt.asIntN(64, read)).toBe(value)
    }),
  )
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), (value) => {
      const bytes = Uint8Array.from(varintBytes(value))
      expect(readVarint(bytes, 0, bytes.length)).toBe(BigInt(value))
      expect(varintLength(value)).toBe(bytes.length)
    }),
  )
  const [head] = bytesField(2, new Uint8Array(300))
  expect(head).toEqual(Uint8Array.from([0x12, 0xac, 0x02]))
})
