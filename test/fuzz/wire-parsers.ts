import { type ErrorCode, encodeUtf8, sha256 } from "@postern/log/base"
import {
  decodeAck,
  decodeAudit,
  decodeBatchHeader,
  decodeBeat,
  decodeCheckpoint,
  decodeClose,
  decodeClosed,
  decodeCredit,
  decodeDisclosurePart,
  decodeDoubt,
  decodeGap,
  decodeGoaway,
  decodeHello,
  decodeOpen,
  decodeOpened,
  decodeRefused,
  decodeWelcome,
  encodeAck,
  encodeAudit,
  encodeBatch,
  encodeBeat,
  encodeCheckpoint,
  encodeClose,
  encodeClosed,
  encodeCredit,
  encodeDisclosurePart,
  encodeDoubt,
  encodeFrame,
  encodeGap,
  encodeGoaway,
  encodeHello,
  encodeOpen,
  encodeOpened,
  encodeRefused,
  encodeWelcome,
  FrameReader,
  frameTypes,
  splitRegion,
} from "@postern/log/wire"
import { logKey, origin } from "./keys.ts"
import { type Parser, parserOf } from "./parser.ts"

const digest = sha256(Uint8Array.of(1))
const signature = Buffer.alloc(64, 9).toString("base64")
const stream = "0123456789abcdef".repeat(2)
const events = ['{"action":"a.b"}', "{}"].map(encodeUtf8)

/** No body of any frame: JSON that is not, or is not an object, or is one too many times. */
const notObjects = [
  ...[
    "",
    "null",
    "[]",
    "0",
    '"',
    "{",
    "{}x",
    "\ufeff{}",
    '{"a":1,}',
    "{'a':1}",
    "[".repeat(20_000),
  ],
  ...['{"channel":1e999}', '{"__proto__":{"channel":1}}', '{"channel":"1"}', '{"channel":-1}'],
  ...['{"channel":65536}', '{"channel":0.5}', '{"channel":null}', `{"a":"${"a".repeat(70_000)}"}`],
].map(encodeUtf8)
const notUtf8 = [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), new Uint8Array([0xed, 0xa0, 0x80])]

/** A body that is JSON: what was read from it must read the same when it is written again. */
function json<Value>(
  name: string,
  seeds: readonly Value[],
  encode: (value: Value) => Uint8Array,
  decode: (body: Uint8Array) => Value,
  bad: readonly string[] = [],
): Parser {
  return parserOf({
    name,
    codes: ["FRAME_SYNTAX", "FRAME_LENGTH"],
    seeds: seeds.map(encode),
    bad: [...notObjects, ...notUtf8, ...bad.map(encodeUtf8)],
    parse: decode,
    format: encode,
    isStrict: false,
  })
}

const refusal = { code: "EVENT_SYNTAX", hint: "send JSON", positions: [0, 3, 9999] }
const lone = '{"channel":0,"sequence":0,"count":1,"digest":"","reason":"\\ud800"}'

const jsonFrames: readonly Parser[] = [
  json("hello", [{ agent: "fuzz/1" }], encodeHello, decodeHello, ['{"agent":"é"}', '{"agent":""}']),
  json(
    "welcome",
    [
      {
        ...{ origin, session: "s", credit: 65_536, certificate: "c", vkey: logKey.vkey },
        limits: { frameBytes: 1_048_576, batchEvents: 10_000, entryBytes: 65_535 },
      },
    ],
    encodeWelcome,
    decodeWelcome,
  ),
  json(
    "goaway",
    [
      { code: "STREAM_HOLE", message: "m", hint: "h", detail: "d", expected: 7 },
      { code: "X", message: "", hint: "" },
    ],
    encodeGoaway,
    decodeGoaway,
    ['{"code":"x","message":"","hint":""}', '{"code":"X","message":1,"hint":""}'],
  ),
  json(
    "open",
    [
      { channel: 0, stream, acked: 0 },
      { channel: 65_535, stream, acked: 1e14, previous: stream },
    ],
    encodeOpen,
    decodeOpen,
    [`{"channel":0,"stream":"${stream.toUpperCase()}","acked":0}`],
  ),
  json("opened", [{ channel: 1, open: 2, next: 3, digest }], encodeOpened, decodeOpened),
  json(
    "refused",
    [{ channel: 1, sequence: 2, refused: [refusal, { ...refusal, positions: [1] }] }],
    encodeRefused,
    decodeRefused,
    [
      ...[[0, 0], [3, 1], [10_000], [-1], [0.5], ["0"], []].map((positions) => {
        return JSON.stringify({ channel: 0, sequence: 0, refused: [{ ...refusal, positions }] })
      }),
      JSON.stringify({ channel: 0, sequence: 0, refused: [refusal, refusal] }),
    ],
  ),
  json(
    "gap",
    [{ channel: 1, sequence: 2, count: 4_294_967_295, digest, reason: "lost" }],
    encodeGap,
    decodeGap,
    [lone, lone.replace('""', JSON.stringify("00".repeat(32)))],
  ),
  json("beat", [{ channel: 1, sequence: 2, signature }], encodeBeat, decodeBeat),
  json(
    "close",
    [{ channel: 1 }, { channel: 1, signed: { sequence: 2, signature } }],
    encodeClose,
    decodeClose,
    ['{"channel":1,"sequence":2}', `{"channel":1,"signature":"${signature}"}`],
  ),
  json("closed", [{ channel: 1 }], encodeClosed, decodeClosed),
  json(
    "audit",
    [
      { seen: 0, sample: undefined },
      { seen: 9, sample: 3 },
    ],
    encodeAudit,
    decodeAudit,
  ),
  json(
    "checkpoint-frame",
    [
      { note: "n", from: 0, consistency: [], sample: undefined, path: [] },
      { note: "n", from: 3, consistency: [digest], sample: 1, path: [digest, digest] },
    ],
    encodeCheckpoint,
    decodeCheckpoint,
    ['{"note":"n","from":0,"consistency":["AAAA"],"sample":null,"path":[]}'],
  ),
  json("doubt", [{ code: "PROOF_INVALID", detail: "d", note: "" }], encodeDoubt, decodeDoubt),
]

const row = {
  ...{
    channel: 1,
    sequence: 2,
    events: 3,
    accepted: 2,
    firstIndex: 7,
    received: 1_764e12,
    open: 1,
  },
  ...{ changed: 0 as const, seed: new Uint8Array(16).fill(5) },
}
const note = encodeUtf8("a note")
const batch = { channel: 1, sequence: 2, previous: digest, events }
const frames = [
  encodeFrame(frameTypes.hello, encodeHello({ agent: "fuzz/1" })),
  encodeFrame(frameTypes.ping, new Uint8Array(8)),
  encodeFrame(frameTypes.batch, encodeBatch(batch)),
]
const whole = new Uint8Array(Buffer.concat(frames))

const binaryFrames: readonly Parser[] = [
  parserOf({
    name: "ack",
    codes: ["FRAME_SYNTAX"],
    seeds: [
      encodeAck({ level: 1, credit: 65_536, note, batches: [{ ...row, path: [digest, digest] }] }),
      encodeAck({ level: 1, credit: 0, note: new Uint8Array(0), batches: [] }),
    ],
    bad: [new Uint8Array(0), new Uint8Array(12), new Uint8Array(13), new Uint8Array(13).fill(255)],
    parse: decodeAck,
    format: encodeAck,
    isStrict: true,
  }),
  parserOf({
    name: "credit",
    codes: ["FRAME_SYNTAX"],
    seeds: [encodeCredit(0), encodeCredit(2 ** 53 - 1)],
    bad: [new Uint8Array(0), new Uint8Array(7), new Uint8Array(9), new Uint8Array(8).fill(255)],
    parse: decodeCredit,
    format: encodeCredit,
    isStrict: true,
  }),
  parserOf({
    name: "disclosure-part",
    codes: ["FRAME_SYNTAX"],
    seeds: [true, false].map((isMore) => encodeDisclosurePart({ digest, isMore, part: note })),
    bad: [new Uint8Array(0), new Uint8Array(33), new Uint8Array(40).fill(2)],
    parse: decodeDisclosurePart,
    format: encodeDisclosurePart,
    isStrict: true,
  }),
  parserOf({
    name: "batch",
    codes: ["FRAME_SYNTAX", "BATCH_EVENTS"],
    seeds: [encodeBatch(batch), encodeBatch({ ...batch, events: [new Uint8Array(0)] })],
    bad: [new Uint8Array(0), new Uint8Array(45), new Uint8Array(46), new Uint8Array(50).fill(255)],
    parse: (body: Uint8Array) => {
      const { count, region, ...header } = decodeBatchHeader(body)
      return { ...header, events: splitRegion(region, count) }
    },
    format: encodeBatch,
    isStrict: true,
  }),
  parserOf({
    name: "frames",
    codes: ["FRAME_LENGTH", "FRAME_TYPE", "FRAME_SYNTAX"] satisfies ErrorCode[],
    seeds: [whole, ...frames],
    bad: [
      ...[new Uint8Array(6), new Uint8Array(6).fill(255), Uint8Array.of(0, 0, 0, 2, 0, 0)],
      ...[
        Uint8Array.of(0, 0, 0, 2, 1, 1),
        Uint8Array.of(0, 0, 0, 1, 1),
        Uint8Array.of(0, 0, 0, 2, 99, 0),
      ],
      Uint8Array.of(0, 0x10, 0, 0, 12, 0),
    ],
    parse: cutTwice,
    format: (cut) => new Uint8Array(Buffer.concat(cut)),
    isStrict: true,
  }),
]

/** Frames of a byte stream, whatever the network makes of it: in one chunk, and byte by byte. */
function cutTwice(bytes: Uint8Array): Uint8Array[] {
  const [one, other] = [cut(bytes, bytes.length), cut(bytes, 1)]
  const same = Buffer.compare(Buffer.concat(one.parts), Buffer.concat(other.parts)) === 0
  if (!same || one.failure?.code !== other.failure?.code) {
    throw new Error("another chunking gives other frames")
  }
  if (one.failure !== undefined) throw one.failure
  return one.parts
}

function cut(bytes: Uint8Array, chunkBytes: number) {
  const reader = new FrameReader()
  const parts: Uint8Array[] = []
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      reader.push(bytes.subarray(at, at + chunkBytes))
      for (const { type, body } of reader) parts.push(encodeFrame(type, Uint8Array.from(body)))
    }
  } catch (error) {
    return { parts, failure: error as { code?: string } }
  }
  // What has begun and may still come.
  parts.push(bytes.subarray(bytes.length - reader.pendingBytes))
  return { parts, failure: undefined }
}

export const wireParsers: readonly Parser[] = [...jsonFrames, ...binaryFrames]
