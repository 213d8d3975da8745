import { gzipSync } from "node:zlib"
import { type ErrorCode, limits } from "@postern/log/base"
import { encodeBatchFrame, frameTypes } from "@postern/log/wire"
import { eventText } from "../support/events.ts"
import {
  ClientStream,
  FramedClient,
  helloFrame,
  newStreamId,
  openFrame,
} from "../support/framed-client.ts"
import { type Ground, goaway, lastWord, numbered, type Row, works } from "./row.ts"

/** Any frame at all: nothing here is checked. */
export function rawFrame(type: number, body: string | Uint8Array = "", flags = 0): Buffer {
  const bytes = Buffer.from(body)
  return Buffer.concat([rawLength(bytes.length + 2), Buffer.from([type, flags]), bytes])
}

function rawLength(length: number): Buffer {
  const field = Buffer.alloc(4)
  field.writeUInt32BE(length)
  return field
}

/** Frames that end the connection: sent as the first ones, or after a greeting. */
function first(name: string, code: ErrorCode, ...frames: readonly Uint8Array[]): Row {
  const act = async ({ call, ca, writer }: Ground): Promise<string> => {
    const client = await FramedClient.connect(call, ca, writer)
    client.send(...frames)
    return lastWord(client)
  }
  return { name, act, expects: goaway(code), leaves: [code] }
}

function greeted(name: string, code: ErrorCode, ...frames: readonly Uint8Array[]): Row {
  return first(name, code, helloFrame(), ...frames)
}

/** What is done on a stream that is open, with two events acknowledged on it. */
function onStream(
  name: string,
  code: ErrorCode,
  more: (stream: ClientStream, ground: Ground) => readonly Uint8Array[],
  expects = goaway(code),
): Row {
  const act = async (ground: Ground): Promise<string> => {
    const { client, stream } = await enterStream(ground)
    client.send(stream.batch([eventText(), eventText()]))
    await client.ack()
    client.send(...more(stream, ground))
    return lastWord(client)
  }
  return { name, act, expects, leaves: [code] }
}

export async function enterStream({
  call,
  ca,
  writer,
}: Ground): Promise<{ client: FramedClient; stream: ClientStream }> {
  const client = await FramedClient.enter(call, ca, writer)
  const stream = new ClientStream()
  await client.open(0, stream.id)
  return { client, stream }
}

function changed(frame: Uint8Array, change: (bytes: Buffer) => void): Uint8Array {
  const bytes = Buffer.from(frame)
  change(bytes)
  return bytes
}

function batchAt(stream: ClientStream, sequence: number, events = [eventText()]): Uint8Array {
  const { channel, digest: previous } = stream
  return encodeBatchFrame({ channel, sequence, previous, events: events.map(Buffer.from) })
}

const { welcome, opened, ack, refused, credit, closed, pong, goaway: goawayType } = frameTypes
const { checkpoint } = frameTypes
const portTypes = {
  ...{ welcome, opened, ack, refused, credit, closed, pong, goaway: goawayType, checkpoint },
}

const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`
const batch = new ClientStream().batch([eventText()])

/** As many as a frame has room for. */
const emptyEvents = Buffer.alloc(limits.frameBytesMax - 100)
const gzipped = String(gzipSync(eventText()).toString("latin1"))
const audit = rawFrame(frameTypes.audit, '{"seen":0,"sample":null}')
const noSignature = Buffer.alloc(64).toString("base64")
const beat = rawFrame(frameTypes.beat, `{"channel":0,"sequence":0,"signature":"${noSignature}"}`)

const rows: readonly Row[] = [
  first("a frame of length 0", "FRAME_LENGTH", rawLength(0)),
  first("a frame of length 1", "FRAME_LENGTH", rawLength(1), Buffer.from([1])),
  first("a frame of 2^31 bytes", "FRAME_LENGTH", rawLength(0x8000_0000)),
  first("a frame of 2^32-1 bytes", "FRAME_LENGTH", rawLength(0xffff_ffff)),
  greeted("a frame of 1 MiB and a byte", "FRAME_LENGTH", rawLength(limits.frameBytesMax - 3)),
  ...[0, 99, 255].map((type) => greeted(`type ${type}`, "FRAME_TYPE", rawFrame(type))),
  greeted("flags 1", "FRAME_SYNTAX", rawFrame(frameTypes.ping, "", 1)),
  ...Object.entries(portTypes).map(([name, type]) =>
    greeted(`the port's ${name}`, "FRAME_TYPE", rawFrame(type)),
  ),
  greeted("BEAT without a stream", "STREAM_UNKNOWN", beat),
  greeted("BEAT without a signature", "FRAME_SYNTAX", rawFrame(frameTypes.beat, '{"channel":0}')),
  greeted("two AUDITs at once", "FRAME_ORDER", audit, audit),
  greeted("AUDIT of half an entry", "FRAME_SYNTAX", rawFrame(frameTypes.audit, '{"seen":0.5}')),
  greeted("DOUBT without a code", "FRAME_SYNTAX", rawFrame(frameTypes.doubt, "{}")),
  first("BATCH before HELLO", "FRAME_ORDER", batch),
  first("PING before HELLO", "FRAME_ORDER", rawFrame(frameTypes.ping)),
  first("OPEN before HELLO", "FRAME_ORDER", openFrame(0, newStreamId())),
  greeted("two HELLOs", "FRAME_ORDER", helloFrame()),
  first("HELLO that is not JSON", "FRAME_SYNTAX", rawFrame(1, "hello")),
  first("HELLO that is not UTF-8", "FRAME_SYNTAX", rawFrame(1, Uint8Array.from([123, 255, 125]))),
  first("HELLO of 70,000 bytes", "FRAME_LENGTH", rawFrame(1, " ".repeat(70_000))),
  first("HELLO 30,000 deep", "FRAME_SYNTAX", rawFrame(1, `{"agent":${deep}}`)),
  first("HELLO with an agent of line feeds", "FRAME_SYNTAX", rawFrame(1, '{"agent":"a\\nb"}')),
  first("HELLO by __proto__", "FRAME_SYNTAX", rawFrame(1, '{"__proto__":{"agent":"a/1"}}')),
  greeted("BATCH before OPEN", "STREAM_UNKNOWN", batch),
  greeted("BATCH of ten bytes", "FRAME_SYNTAX", rawFrame(frameTypes.batch, new Uint8Array(10))),
  greeted("GAP before OPEN", "STREAM_UNKNOWN", new ClientStream().gap(1)),
  greeted("CLOSE before OPEN", "STREAM_UNKNOWN", new ClientStream().close()),
  greeted("PING of 65 bytes", "FRAME_LENGTH", rawFrame(frameTypes.ping, new Uint8Array(65))),
  greeted(
    "OPEN of channel 65,536",
    "FRAME_SYNTAX",
    rawFrame(frameTypes.open, `{"channel":65536,"stream":"${newStreamId()}","acked":0}`),
  ),
  greeted(
    "OPEN of a stream in capitals",
    "FRAME_SYNTAX",
    rawFrame(frameTypes.open, `{"channel":0,"stream":"${"AB".repeat(16)}","acked":0}`),
  ),
  onStream("an unknown channel", "STREAM_UNKNOWN", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeUInt16BE(9, 6)),
  ]),
  onStream("a batch of 0 events", "BATCH_EVENTS", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeUInt32BE(0, 8)),
  ]),
  onStream("a batch of 10,001 events", "BATCH_EVENTS", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeUInt32BE(10_001, 8)),
  ]),
  onStream("a batch of a million empty events", "BATCH_EVENTS", (stream) => [
    changed(
      rawFrame(frameTypes.batch, Buffer.concat([batchAt(stream, 2).subarray(6, 52), emptyEvents])),
      (bytes) => bytes.writeUInt32BE(1_000_000, 8),
    ),
  ]),
  onStream("a batch with a flag, compressed perhaps", "FRAME_SYNTAX", (stream) => [
    changed(batchAt(stream, 2, [gzipped]), (bytes) => bytes.writeUInt8(1, 5)),
  ]),
  onStream("a batch with fewer events than it says", "FRAME_SYNTAX", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeUInt32BE(2, 8)),
  ]),
  onStream("a batch with more events than it says", "FRAME_SYNTAX", (stream) => [
    changed(batchAt(stream, 2, [eventText(), eventText()]), (bytes) => bytes.writeUInt32BE(1, 8)),
  ]),
  onStream("an event of 2^32-1 bytes", "FRAME_SYNTAX", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeUInt32BE(0xffff_ffff, 52)),
  ]),
  onStream(
    "a sequence ahead",
    "STREAM_HOLE",
    (stream) => [batchAt(stream, 3)],
    "GOAWAY STREAM_HOLE 2",
  ),
  onStream("a sequence of 2^53", "FRAME_SYNTAX", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeBigUInt64BE(2n ** 53n, 12)),
  ]),
  onStream("a sequence of 2^64-1", "FRAME_SYNTAX", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeBigUInt64BE(2n ** 64n - 1n, 12)),
  ]),
  onStream("a batch again with other events", "STREAM_EQUIVOCATION", (stream) => [
    new ClientStream(stream.id).batch([eventText(), eventText()]),
  ]),
  onStream("a batch that goes back into another", "STREAM_EQUIVOCATION", (stream) => [
    batchAt(stream, 1),
  ]),
  onStream("a wrong previous digest", "STREAM_EQUIVOCATION", (stream) => [
    changed(batchAt(stream, 2), (bytes) => bytes.writeUInt8((bytes[20] ?? 0) ^ 1, 20)),
  ]),
  onStream("4 MB at once, without credit", "CREDIT_EXCEEDED", (stream) =>
    Array.from({ length: 70 }, () =>
      stream.batch([eventText({ data: { x: "y".repeat(60_000) } })]),
    ),
  ),
  onStream(
    "GAP that overlaps what is there",
    "STREAM_HOLE",
    (stream) => {
      stream.next = 1
      return [stream.gap(5)]
    },
    "GOAWAY STREAM_HOLE 2",
  ),
  onStream("a batch of another stream", "STREAM_EQUIVOCATION", () => {
    const captured = new ClientStream()
    captured.batch([eventText(), eventText()])
    return [captured.batch([eventText()])]
  }),
  onStream(
    "a batch that another writer sent",
    "STREAM_EQUIVOCATION",
    (stream, { foreignStream }) => [
      changed(batchAt(stream, 2), (bytes) => bytes.set(new ClientStream(foreignStream).digest, 20)),
    ],
  ),
  onStream("a BEAT with a wrong signature", "STREAM_SIGNATURE", () => [beat]),
  onStream("GAP of 0 events", "FRAME_SYNTAX", (stream) => [stream.gap(0)]),
  onStream("GAP of 2^32 events", "FRAME_SYNTAX", (stream) => [stream.gap(2 ** 32)]),
  onStream("BATCH after CLOSE", "STREAM_UNKNOWN", (stream) => [
    stream.close(),
    stream.batch([eventText()]),
  ]),
  onStream("another writer's stream", "STREAM_FOREIGN", (_, { foreignStream }) => [
    openFrame(1, foreignStream),
  ]),
  onStream("a channel that is in use", "FRAME_ORDER", () => [openFrame(0, newStreamId())]),
  onStream("a stream on two channels", "FRAME_ORDER", (stream) => [openFrame(1, stream.id)]),
  onStream("65 streams", "STREAM_LIMIT", () =>
    Array.from({ length: 64 }, (_, i) => openFrame(i + 1, newStreamId())),
  ),
  works(
    "GAP that goes back is acknowledged again",
    async (ground) => {
      const { client, stream } = await enterStream(ground)
      client.send(stream.batch([eventText(), eventText()]))
      await client.ack()
      stream.next = 0
      client.send(stream.gap(2))
      const { batches, note } = await client.ack()
      client.destroy()
      return `ACK of ${batches[0]?.events}, accepted ${batches[0]?.accepted}, note ${note.length}`
    },
    "ACK of 2, accepted 0, note 0",
  ),
  works(
    "a batch again, as it was, on another connection",
    async (ground) => {
      const { client, stream } = await enterStream(ground)
      const bytes = stream.batch([eventText(), eventText()])
      client.send(bytes)
      const first = (await client.ack()).batches[0]?.firstIndex
      client.destroy()
      const again = await FramedClient.enter(ground.call, ground.ca, ground.writer)
      await again.open(0, stream.id)
      again.send(bytes)
      const { batches } = await again.ack()
      again.destroy()
      const [same] = batches
      return `accepted ${same?.accepted}, at the ${same?.firstIndex === first ? "same" : "other"} place`
    },
    "accepted 2, at the same place",
  ),
  works(
    "frames in TLS records of one byte",
    async (ground) => {
      const { client, stream } = await enterStream(ground)
      client.socket.setNoDelay(true)
      for (const byte of stream.batch([eventText()])) client.socket.write(Uint8Array.of(byte))
      const { batches } = await client.ack()
      client.destroy()
      return `accepted ${batches[0]?.accepted}`
    },
    "accepted 1",
  ),
  works(
    "half close after one frame",
    async ({ call, ca, writer }) => {
      const client = await FramedClient.connect(call, ca, writer)
      client.socket.end(helloFrame())
      const welcome = await client.next()
      await client.ended()
      return `type ${welcome?.type}, closed`
    },
    "type 2, closed",
  ),
  works(
    "half a frame, then the end",
    async (ground) => {
      const { client, stream } = await enterStream(ground)
      client.socket.end(stream.batch([eventText()]).subarray(0, 60))
      await client.ended()
      return "closed"
    },
    "closed",
  ),
  {
    name: "10,000 broken events in one batch",
    act: async (ground) => {
      const { client, stream } = await enterStream(ground)
      client.send(stream.batch(Array.from({ length: 10_000 }, () => "{")))
      const { refused } = await client.refused()
      const { batches } = await client.ack()
      client.destroy()
      const said = refused.map(({ code, positions }) => `${code} ${positions.length}`)
      return `${said}, accepted ${batches[0]?.accepted}`
    },
    expects: "EVENT_SYNTAX 10000, accepted 0",
    leaves: ["EVENT_SYNTAX"],
  },
  {
    name: "a stream taken over by a second connection",
    act: async (ground) => {
      const { client, stream } = await enterStream(ground)
      const second = await FramedClient.enter(ground.call, ground.ca, ground.writer)
      await second.open(0, stream.id)
      second.send(stream.batch([eventText()]))
      await second.ack()
      second.destroy()
      return lastWord(client)
    },
    expects: goaway("FRAME_ORDER"),
    leaves: ["FRAME_ORDER"],
  },
  {
    name: "an HELLO that never comes",
    act: async ({ call, ca, writer }) =>
      lastWord(await FramedClient.connect(call, ca, writer), 20_000),
    expects: goaway("FRAME_TIMEOUT"),
    leaves: ["FRAME_TIMEOUT"],
    isSlow: true,
  },
  {
    name: "half a frame, then nothing",
    act: async (ground) => {
      const { client, stream } = await enterStream(ground)
      client.send(stream.batch([eventText()]).subarray(0, 60))
      return lastWord(client, 45_000)
    },
    expects: goaway("FRAME_TIMEOUT"),
    leaves: ["FRAME_TIMEOUT"],
    isSlow: true,
  },
]

export const frameRows: readonly Row[] = numbered(rows, {
  12: ["half close after one frame"],
  41: ["a frame of length 0", "a frame of length 1"],
  42: ["a frame of 2^32-1 bytes", "a frame of 1 MiB and a byte", "an event of 2^32-1 bytes"],
  43: ["half a frame, then the end", "half a frame, then nothing"],
  44: ["a frame of 2^31 bytes"],
  45: ["type 0", "type 99", "type 255", "flags 1", "HELLO that is not JSON"],
  46: ["frames in TLS records of one byte"],
  47: ["two HELLOs"],
  48: ["BATCH before HELLO", "PING before HELLO", "OPEN before HELLO"],
  49: ["the port's ack", "the port's credit"],
  50: ["a batch again, as it was, on another connection"],
  51: ["a sequence ahead"],
  52: ["a batch that goes back into another", "GAP that overlaps what is there"],
  53: ["a sequence of 2^53", "a sequence of 2^64-1"],
  54: ["a batch again with other events"],
  55: ["a batch of another stream", "a batch that another writer sent", "another writer's stream"],
  56: ["a batch of a million empty events", "a batch of 10,001 events"],
  57: ["a wrong previous digest", "a BEAT with a wrong signature"],
  58: ["a batch with a flag, compressed perhaps"],
})
