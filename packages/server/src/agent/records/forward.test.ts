import { gunzipSync, gzipSync } from "node:zlib"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { encodeForwardAck, type ForwardMessage, ForwardReader } from "./index.ts"
import { endOfPacked, packedToJson } from "./msgpack.ts"

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(9, 0xcb)
  bytes.writeDoubleBE(value, 1)
  return bytes
}

/** MessagePack in its longest forms: what a sender may choose. */
function pack(value: unknown): Buffer {
  if (value === null) return Buffer.from([0xc0])
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2])
  if (typeof value === "number") return double(value)
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from([0xc6]), u32(value.length), value])
  if (typeof value === "string") {
    const text = Buffer.from(value)
    return Buffer.concat([Buffer.from([0xdb]), u32(text.length), text])
  }
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.from([0xdd]), u32(value.length), ...value.map(pack)])
  }
  const members = Object.entries(value as object)
  const packed = members.flatMap(([key, one]) => [pack(key), pack(one)])
  return Buffer.concat([Buffer.from([0xdf]), u32(members.length), ...packed])
}

const jsonOf = (bytes: Buffer): unknown => JSON.parse(packedToJson(bytes, 0).json)

describe("MessagePack", () => {
  it("becomes JSON that says the same", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const bytes = pack(value)
        expect(endOfPacked(bytes, 0)).toBe(bytes.length)
        expect(jsonOf(bytes)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it.each([
    ["00", "0"],
    ["7f", "127"],
    ["ff", "-1"],
    ["e0", "-32"],
    ["ccff", "255"],
    ["cdffff", "65535"],
    ["ceffffffff", "4294967295"],
    ["cfffffffffffffffff", "18446744073709551615"],
    ["d080", "-128"],
    ["d18000", "-32768"],
    ["d280000000", "-2147483648"],
    ["d38000000000000000", "-9223372036854775808"],
    ["ca3fc00000", "1.5"],
    ["cb7ff0000000000000", '"Infinity"'],
    ["a3616263", '"abc"'],
    ["a2c328", '{"base64":"wyg="}'],
    ["c40100", '"\\u0000"'],
    ["c401ff", '{"base64":"/w=="}'],
    ["d705 0102030405060708", '{"ext":5,"base64":"AQIDBAUGBwg="}'],
    ["8101 02", '{"1":2}'],
  ])("%s is %s", (hex, json) => {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex")
    expect(packedToJson(bytes, 0)).toEqual({ json, end: bytes.length })
  })
})

function read(bytes: Buffer, chunkBytes = bytes.length): { records: unknown[]; chunk?: string }[] {
  const reader = new ForwardReader(gunzipSync)
  const messages: ForwardMessage[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    messages.push(...reader.push(bytes.subarray(at, at + chunkBytes)))
  }
  return messages.map(({ records, chunk }) => ({
    records: records.map((record) => JSON.parse(record.toString())),
    ...(chunk === undefined ? {} : { chunk }),
  }))
}

const eventTime = Buffer.from("d7006922b2800000000a", "hex")
const array = (...items: readonly Buffer[]): Buffer => {
  return Buffer.concat([Buffer.from([0x90 | items.length]), ...items])
}

describe("the forward protocol", () => {
  const record = { message: "m", n: 1 }
  const pair = array(eventTime, pack(record))
  const whole = { date: 1_763_881_600, tag: "t", ...record }

  it.each([
    ["one record", array(pack("t"), eventTime, pack(record), pack({ chunk: "c" }))],
    ["several", array(pack("t"), array(pair), pack({ chunk: "c" }))],
    ["packed ones", array(pack("t"), pack(pair), pack({ chunk: "c", size: 1 }))],
    [
      "compressed ones",
      array(pack("t"), pack(gzipSync(pair)), pack({ chunk: "c", compressed: "gzip" })),
    ],
  ])("is read with %s a message, however the bytes come", (_name, message) => {
    for (const chunkBytes of [1, 3, 1_000]) {
      const found = read(Buffer.concat([message, message]), chunkBytes)
      expect(found).toEqual([
        { records: [whole], chunk: "c" },
        { records: [whole], chunk: "c" },
      ])
    }
  })

  it("takes nothing away from a record that has a tag or a time itself", () => {
    const own = { tag: "mine", time: "then" }
    const [message] = read(array(pack("t"), eventTime, pack(own)))
    expect(message).toEqual({ records: [{ "fluent.tag": "t", ...own }] })
    expect(read(array(pack("t"), eventTime, pack({})))).toMatchObject([{ records: [{ tag: "t" }] }])
  })

  it.each([
    ["no array", pack("t")],
    ["too few", array(pack("t"))],
    ["no tag", array(pack(1), eventTime, pack({}))],
    ["a time and no record", array(pack("t"), eventTime)],
    ["no record", array(pack("t"), eventTime, pack("r"))],
    ["no time", array(pack("t"), Buffer.from("d7010000000000000000", "hex"), pack({}))],
    ["a cut record", array(pack("t"), pack(pair.subarray(0, -1)))],
    ["a bad compression", array(pack("t"), pack(pair), pack({ compressed: "gzip" }))],
    ["another compression", array(pack("t"), pack(pair), pack({ compressed: "zstd" }))],
    ["what is no MessagePack", Buffer.from([0xc1])],
    ["what is too deep", Buffer.alloc(40, 0x91)],
  ])("is given up with %s", (_name, message) => {
    expect(() => read(message)).toThrow(expect.objectContaining({ code: "HTTP_BODY_SYNTAX" }))
  })

  it("is given up when a message grows too long, and holds no more than that", () => {
    const reader = new ForwardReader(gunzipSync)
    reader.push(Buffer.concat([Buffer.from([0x93, 0xc6]), u32(2 ** 31)]))
    const chunk = Buffer.alloc(1_048_576)
    expect(() => {
      for (let i = 0; i < 20; i++) reader.push(chunk)
    }).toThrow(expect.objectContaining({ code: "HTTP_BODY_SYNTAX" }))
    expect(reader.openBytes).toBeLessThan(12_000_000)
  })

  it("takes a long message byte by byte, without copying all of it each time", () => {
    const text = "x".repeat(700_000)
    const messages = read(array(pack("t"), eventTime, pack({ text })), 1)
    expect(messages).toMatchObject([{ records: [{ text }] }])
  })

  it("makes a message or an error of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new ForwardReader(gunzipSync).push(Buffer.from(bytes))
        } catch (error) {
          expect(error).toMatchObject({ code: "HTTP_BODY_SYNTAX" })
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it("is acknowledged by the chunk's name", () => {
    expect(jsonOf(encodeForwardAck("c".repeat(300)))).toEqual({ ack: "c".repeat(300) })
  })
})
