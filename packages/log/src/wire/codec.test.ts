import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  concatBytes,
  encodeUtf8,
  formatBase64,
  formatHex,
  isPosternError,
  limits,
} from "../base/index.ts"
import {
  type Ack,
  type BatchAck,
  decodeAck,
  decodeCredit,
  encodeAck,
  encodeAckFrame,
  encodeCredit,
} from "./ack.ts"
import { type Altered, decodeAltered, encodeAltered } from "./altered-frame.ts"
import {
  type AuditQuestion,
  decodeAudit,
  decodeCheckpoint,
  decodeDoubt,
  encodeAudit,
  encodeCheckpoint,
  encodeDoubt,
} from "./audit-frames.ts"
import {
  batchBytes,
  decodeBatchHeader,
  encodeBatch,
  encodeBatchFrame,
  splitRegion,
} from "./batch.ts"
import { decodeDisclosurePart, encodeDisclosurePart } from "./disclosure-frame.ts"
import { decodeRenewed, encodeRenewed } from "./renewal-frames.ts"
import {
  decodeGoaway,
  decodeHello,
  decodeWelcome,
  encodeGoaway,
  encodeHello,
  encodeWelcome,
  type Goaway,
  keysLengthMax,
} from "./session-frames.ts"
import { streamDigestStart } from "./stream-digest.ts"
import {
  decodeBeat,
  decodeClose,
  decodeClosed,
  decodeGap,
  decodeOpen,
  decodeOpened,
  decodeRefused,
  encodeBeat,
  encodeClose,
  encodeClosed,
  encodeGap,
  encodeOpen,
  encodeOpened,
  encodeRefused,
} from "./stream-frames.ts"

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const seed = fc.uint8Array({ minLength: 16, maxLength: 16 })
const channel = fc.nat({ max: 0xffff })
const below = (end: number) => fc.nat({ max: end - 1 })
const end = limits.sequenceMax + 1
const text = (min: number, max: number) =>
  fc.string({ unit: "binary", minLength: min, maxLength: max })
const code = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,63}$/)

const anyGoaway: fc.Arbitrary<Goaway> = fc.record(
  { code, message: text(0, 50), hint: text(0, 50), detail: text(0, 50), expected: below(end) },
  { requiredKeys: ["code", "message", "hint"] },
)

const anyGap = below(end - 1).chain((sequence) =>
  fc.record({
    channel,
    sequence: fc.constant(sequence),
    count: fc.integer({ min: 1, max: Math.min(0xffff_ffff, end - sequence) }),
    digest: hash,
    reason: text(1, 50),
  }),
)

const anyRefusals = fc
  .array(
    fc.tuple(code, text(0, 20), fc.uniqueArray(below(10_000), { minLength: 1, maxLength: 6 })),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((rows) => {
    const taken = new Set<number>()
    return rows
      .map(([name, hint, wanted]) => {
        const positions = wanted.filter((at) => !taken.has(at)).sort((a, b) => a - b)
        for (const at of positions) taken.add(at)
        return { code: name, hint, positions }
      })
      .filter(({ positions }) => positions.length > 0)
  })

const anyBatchAck: fc.Arbitrary<BatchAck> = fc
  .tuple(below(10_001), fc.nat({ max: 0xffff_ffff }), below(end), below(end))
  .chain(([accepted, more, sequence, firstIndex]) => {
    const events = Math.min(0xffff_ffff, accepted + more)
    return fc.record({
      channel,
      sequence: fc.constant(Math.min(sequence, end - events)),
      events: fc.constant(events),
      accepted: fc.constant(accepted),
      firstIndex: fc.constant(Math.min(firstIndex, end - accepted)),
      received: fc.maxSafeNat(),
      open: below(end),
      changed: fc.constantFrom<0 | 1 | 2 | 3 | 4 | 5 | 6 | 7>(0, 1, 2, 3, 4, 5, 6, 7),
      seed,
      path: fc.array(hash, { maxLength: 5 }),
    })
  })

const anyAck: fc.Arbitrary<Ack> = fc.record({
  level: fc.constant<1>(1),
  credit: fc.maxSafeNat(),
  note: fc.uint8Array({ maxLength: 400 }),
  batches: fc.array(anyBatchAck, { maxLength: 5 }),
})

const anyBatch = fc.record({
  channel,
  sequence: below(end - 10),
  previous: hash,
  events: fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 10 }),
})

const comesBack = <T>(
  arbitrary: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (body: Uint8Array) => T,
) => {
  fc.assert(
    fc.property(arbitrary, (value) => {
      const body = encode(value)
      expect(decode(body)).toEqual(value)
      // What a socket hands over is a Buffer somewhere inside a larger one.
      expect(decode(Buffer.concat([Buffer.alloc(3), body]).subarray(3))).toEqual(value)
    }),
  )
}

describe("every body comes back from its bytes:", () => {
  test("HELLO", () => {
    const agent = fc.stringMatching(/^[\x20-\x7e]{1,128}$/)
    comesBack(fc.record({ agent }), encodeHello, decodeHello)
  })

  test("WELCOME", () => {
    const bound = (max: number) => fc.integer({ min: 1, max })
    const members = {
      origin: text(1, 50),
      session: text(1, 50),
      credit: fc.maxSafeNat(),
      certificate: text(1, 200),
      vkey: text(1, 100),
      limits: fc.record({
        frameBytes: bound(limits.frameBytesMax),
        batchEvents: bound(limits.batchEventsMax),
        entryBytes: bound(limits.entryBytesMax),
      }),
    }
    comesBack(fc.record(members), encodeWelcome, decodeWelcome)
    comesBack(fc.record({ ...members, keys: text(0, 100) }), encodeWelcome, decodeWelcome)
  })

  test("GOAWAY", () => comesBack(anyGoaway, encodeGoaway, decodeGoaway))

  test("RENEWED", () => {
    comesBack(fc.record({ certificate: text(1, 200) }), encodeRenewed, decodeRenewed)
    const refused = { code, message: text(0, 50), hint: text(0, 50), detail: text(0, 50) }
    const requiredKeys: ("code" | "message" | "hint")[] = ["code", "message", "hint"]
    comesBack(fc.record(refused, { requiredKeys }), encodeRenewed, decodeRenewed)
  })

  test("OPEN", () => {
    const stream = seed.map(formatHex)
    const open = { channel, stream, acked: below(end + 1), previous: stream }
    const requiredKeys: ("channel" | "stream" | "acked")[] = ["channel", "stream", "acked"]
    comesBack(fc.record(open, { requiredKeys }), encodeOpen, decodeOpen)
  })

  test("OPENED", () => {
    const opened = fc.record({ channel, open: below(end), next: below(end + 1), digest: hash })
    comesBack(opened, encodeOpened, decodeOpened)
  })

  test("REFUSED", () => {
    const refused = fc.record({ channel, sequence: below(end), refused: anyRefusals })
    comesBack(refused, encodeRefused, decodeRefused)
  })

  test("REFUSED of a whole batch fits into its frame", () => {
    const positions = Array.from({ length: limits.batchEventsMax }, (_, i) => i)
    const value = { channel: 1, sequence: 0, refused: [{ code: "A", hint: "", positions }] }
    expect(decodeRefused(encodeRefused(value))).toEqual(value)
  })

  test("GAP", () => comesBack(anyGap, encodeGap, decodeGap))
  const signed = {
    sequence: below(end + 1),
    signature: fc.uint8Array({ minLength: 64, maxLength: 64 }).map(formatBase64),
  }
  const sample = fc.option(below(end), { nil: undefined })
  const hashes = fc.array(hash, { maxLength: 64 })
  test("AUDIT", () => {
    const question = { seen: fc.maxSafeNat(), sample }
    comesBack(fc.record(question), encodeAudit, decodeAudit)
    const more = { ...question, witnessed: fc.boolean(), keys: fc.maxSafeNat() }
    comesBack(fc.record(more), encodeAudit, decodeAudit)
  })
  test("CHECKPOINT", () => {
    const from = fc.maxSafeNat()
    const answer = { note: text(1, 500), from, consistency: hashes, sample, path: hashes }
    comesBack(fc.record(answer), encodeCheckpoint, decodeCheckpoint)
    comesBack(fc.record({ ...answer, keys: text(0, 100) }), encodeCheckpoint, decodeCheckpoint)
  })
  test("DOUBT", () => {
    comesBack(fc.record({ code, detail: text(0, 50), note: text(0, 50) }), encodeDoubt, decodeDoubt)
  })
  test("DOUBT that says too much is cut", () => {
    const long = { code: "A", detail: "d".repeat(2000), note: "n".repeat(5000) }
    const { detail, note } = decodeDoubt(encodeDoubt(long))
    expect([detail.length, note.length]).toEqual([1024, 4096])
  })
  test("BEAT", () => comesBack(fc.record({ channel, ...signed }), encodeBeat, decodeBeat))
  test("CLOSE", () => {
    const requiredKeys: ["channel"] = ["channel"]
    const close = fc.record({ channel, signed: fc.record(signed) }, { requiredKeys })
    comesBack(close, encodeClose, decodeClose)
  })
  test("CLOSED", () => comesBack(fc.record({ channel }), encodeClosed, decodeClosed))
  test("CREDIT", () => comesBack(fc.maxSafeNat(), encodeCredit, decodeCredit))
  test("ACK", () => comesBack(anyAck, encodeAck, decodeAck))

  test("DISCLOSURE", () => {
    const part = fc.uint8Array({ minLength: 1, maxLength: 100 })
    const parts = fc.record({ digest: hash, isMore: fc.boolean(), part })
    comesBack(parts, encodeDisclosurePart, (body) => {
      const { digest, isMore, part } = decodeDisclosurePart(body)
      return { digest: Uint8Array.from(digest), isMore, part: Uint8Array.from(part) }
    })
  })

  test("BATCH", () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const body = encodeBatch(batch)
        const { channel, sequence, previous, count, region } = decodeBatchHeader(body)
        const events = splitRegion(region, count)
        expect({ channel, sequence, previous, events }).toEqual(batch)
        expect(batchBytes(batch.events)).toBe(encodeBatchFrame(batch).length)
      }),
    )
  })
})

/** One frame is enough here. */
function encodeAlteredOnce(altered: Altered): Uint8Array {
  const [body = new Uint8Array(0), ...more] = encodeAltered(altered)
  expect(more).toEqual([])
  return body
}

test("ALTERED takes as many frames as its events need, and loses none", () => {
  const events = [0, 3, 4, 900].flatMap((first) =>
    [60_000, 65_535, 1, 0].map((length, i) => ({
      position: 4 * first + i,
      changed: 4 as const,
      event: new Uint8Array(length).fill(i),
    })),
  )
  const many = [...new Array(12).keys()].flatMap((turn) =>
    events.map((one) => ({ ...one, position: one.position + 10_000 * turn })),
  )
  const bodies = [...encodeAltered({ channel: 1, sequence: 2, events: many })]
  expect(bodies.length).toBeGreaterThan(1)
  for (const body of bodies) expect(body.length).toBeLessThanOrEqual(1024 * 1024 - 6)
  expect(bodies.flatMap((body) => decodeAltered(body).events)).toEqual(many)
})

test("an ACK holds on to nothing of the chunk it came in", () => {
  const row = { channel: 1, sequence: 0, events: 1, accepted: 1, firstIndex: 0, received: 0 }
  const path = [new Uint8Array(32).fill(3)]
  const batch = { ...row, open: 0, changed: 0, seed: new Uint8Array(16).fill(2), path } as const
  const ack = { level: 1, credit: 0, note: Uint8Array.of(1), batches: [batch] } as const
  const chunk = Buffer.from(encodeAck(ack))
  const decoded = decodeAck(chunk)
  chunk.fill(0xee)
  expect(decoded).toEqual(ack)
})

describe("what is out of range in our own hands is a broken invariant:", () => {
  const batch = {
    channel: 0,
    sequence: 0,
    previous: new Uint8Array(32),
    events: [Uint8Array.of(1)],
  }

  test.each([
    ["no event", { events: [] }],
    ["a short digest", { previous: new Uint8Array(31) }],
    ["channel 65,536", { channel: 65_536 }],
    ["a sequence of 10^14", { sequence: 1e14 }],
    ["a sequence that is no integer", { sequence: 0.5 }],
    ["10,001 events", { events: Array(10_001).fill(new Uint8Array(0)) }],
    ["more than a frame", { events: Array(17).fill(new Uint8Array(65_535)) }],
  ])("BATCH with %s", (_, wrong) => {
    expect(() => encodeBatch({ ...batch, ...wrong })).toThrow("invariant broken")
  })

  test("a credit above 2^53 - 1", () => {
    expect(() => encodeCredit(2 ** 53)).toThrow("invariant broken")
  })

  test("a stream id that is none", () => {
    expect(() => streamDigestStart("00")).toThrow("invariant broken")
  })
})

test("a GOAWAY arrives however long its texts are", () => {
  const long = "x".repeat(10_000)
  const decoded = decodeGoaway(
    encodeGoaway({ code: "A", message: long, hint: long, detail: `\ud800${long}` }),
  )
  expect(decoded.message).toBe(long.slice(0, 1024))
  expect([decoded.hint.length, decoded.detail?.length]).toEqual([1024, 4096])
})

test("a CHECKPOINT of the longest texts and paths fits, and tells no more of keys than it may", () => {
  const path = Array.from({ length: 64 }, () => new Uint8Array(32))
  const long = { note: "n".repeat(16_384), from: 1, consistency: path, sample: 2, path }
  const line = `{"key":{"note":"n\\n","path":["${"A".repeat(43)}="]}}\n`
  const keys = line.repeat(Math.floor(keysLengthMax / line.length))
  const answer = { ...long, keys }
  expect(decodeCheckpoint(encodeCheckpoint(answer))).toEqual(answer)
  const more = encodeCheckpoint({ ...answer, note: "n", keys: "k".repeat(keysLengthMax + 1) })
  expect(() => decodeCheckpoint(more)).toThrow("CHECKPOINT.keys must be a string of 0 to")
})

test("a port that claims higher limits is held to those of postern/1", () => {
  const limitsOf = { frameBytes: 2 ** 40, batchEvents: 20_000, entryBytes: 70_000 }
  const welcome = { origin: "o", session: "s", credit: 0, certificate: "c", vkey: "v" }
  expect(decodeWelcome(encodeWelcome({ ...welcome, limits: limitsOf })).limits).toEqual({
    frameBytes: limits.frameBytesMax,
    batchEvents: limits.batchEventsMax,
    entryBytes: limits.entryBytesMax,
  })
})

describe("any bytes are a value or a PosternError, and a value is written again:", () => {
  const decodeBatch = (body: Uint8Array) => {
    const { region, count, ...header } = decodeBatchHeader(body)
    return { ...header, events: splitRegion(region, count) }
  }
  const row = {
    channel: 1,
    sequence: 2,
    events: 3,
    accepted: 2,
    firstIndex: 4,
    received: 5,
    open: 6,
    changed: 0,
    seed: new Uint8Array(16),
    path: [new Uint8Array(32)],
  } as const
  const ack: Ack = { level: 1, credit: 7, note: encodeUtf8("note"), batches: [row, row] }
  const digest = new Uint8Array(32)
  const batch = { channel: 1, sequence: 2, previous: digest, events: [encodeUtf8("{}"), digest] }
  const refused = {
    channel: 1,
    sequence: 2,
    refused: [{ code: "A", hint: "b", positions: [3, 4] }],
  }
  const event = encodeUtf8("{}")
  const rows = [0, 3].map((position) => ({ position, changed: 4 as const, event }))
  const altered: Altered = { channel: 1, sequence: 2, events: rows }
  const gap = { channel: 1, sequence: 2, count: 3, digest, reason: "r" }
  const part = { digest, isMore: true, part: encodeUtf8("[") }
  const welcome = {
    origin: "o",
    session: "s",
    credit: 1,
    certificate: "c",
    vkey: "v",
    limits: { frameBytes: 1000, batchEvents: 10, entryBytes: 500 },
    keys: "k",
  }
  const goaway = { code: "A", message: "m", hint: "h", detail: "d", expected: 5 }
  const open = { channel: 1, stream: "0".repeat(32), acked: 2 }

  const kind = <T>(
    name: string,
    good: T,
    encode: (value: T) => Uint8Array,
    decode: (body: Uint8Array) => T,
  ): [string, Uint8Array, (body: Uint8Array) => Uint8Array] => [
    name,
    encode(good),
    (body) => encode(decode(body)),
  ]
  const hashes = [digest]
  const question: AuditQuestion = { seen: 1, sample: undefined, witnessed: true, keys: 3 }
  const answer = { note: "n", from: 1, consistency: hashes, sample: 2, path: hashes, keys: "k" }
  const kinds = [
    kind("HELLO", { agent: "a/1" }, encodeHello, decodeHello),
    kind("WELCOME", welcome, encodeWelcome, decodeWelcome),
    kind("GOAWAY", goaway as Goaway, encodeGoaway, decodeGoaway),
    kind("OPEN", open, encodeOpen, decodeOpen),
    kind("OPENED", { channel: 1, open: 2, next: 3, digest }, encodeOpened, decodeOpened),
    kind("REFUSED", refused, encodeRefused, decodeRefused),
    kind("GAP", gap, encodeGap, decodeGap),
    kind("CLOSE", { channel: 1 }, encodeClose, decodeClose),
    kind("AUDIT", question, encodeAudit, decodeAudit),
    kind("CHECKPOINT", answer, encodeCheckpoint, decodeCheckpoint),
    kind("DOUBT", { code: "A", detail: "d", note: "n" }, encodeDoubt, decodeDoubt),
    kind(
      "BEAT",
      { channel: 1, sequence: 2, signature: btoa("s".repeat(64)) },
      encodeBeat,
      decodeBeat,
    ),
    kind("ACK", ack, encodeAck, decodeAck),
    kind("BATCH", batch, encodeBatch, decodeBatch),
    kind("ALTERED", altered, encodeAlteredOnce, decodeAltered),
    kind("CREDIT", 7, encodeCredit, decodeCredit),
    kind("DISCLOSURE", part, encodeDisclosurePart, decodeDisclosurePart),
  ]
  const binary = new Set(["ACK", "ALTERED", "BATCH", "CREDIT", "DISCLOSURE"])
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc
      .constantFrom('"', "{", "}", "[", "]", "null", "-1", "1e99", "0.5", "\\ud800")
      .map(encodeUtf8),
  )

  test.each(kinds)("%s", (name, good, again) => {
    const mutation = fc.tuple(fc.nat(good.length), fc.nat(6), noise)
    const mutated = fc
      .array(mutation, { minLength: 1, maxLength: 3 })
      .map((mutations) =>
        mutations.reduce(
          (bytes, [at, cut, added]) =>
            concatBytes(bytes.subarray(0, at), added, bytes.subarray(at + cut)),
          good,
        ),
      )
    let accepted = 0
    fc.assert(
      fc.property(
        fc.oneof({ weight: 9, arbitrary: mutated }, fc.uint8Array(), fc.constant(good)),
        (body) => {
          try {
            const written = again(body)
            accepted += 1
            // Binary bodies have one spelling; JSON ones are the same once written.
            expect(written).toEqual(binary.has(name) ? body : again(written))
          } catch (error) {
            if (!isPosternError(error)) throw error
            expect(error.code).toMatch(/^(FRAME_SYNTAX|BATCH_EVENTS|FRAME_LENGTH)$/)
          }
        },
      ),
      { numRuns: 600 },
    )
    expect(accepted).toBeGreaterThan(0)
  })

  test("a JSON body of hostile depth does not overflow the stack", () => {
    const deep = encodeUtf8(`{"channel":1,"x":${"[".repeat(32_000)}${"]".repeat(32_000)}}`)
    expect(decodeClose(deep)).toEqual({ channel: 1 })
  })

  test("an ACK frame is one allocation of the exact size", () => {
    const frame = encodeAckFrame(ack)
    expect(frame.buffer.byteLength).toBe(frame.length)
  })
})
