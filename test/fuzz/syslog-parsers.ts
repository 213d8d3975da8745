import { encodeUtf8, isPosternError, type PosternError } from "@postern/log/base"
import { samples } from "../../packages/server/src/formats/samples.test.support.ts"
import { SyslogFraming } from "../../packages/server/src/port/syslog/framing.ts"
import { MessageEvents } from "../../packages/server/src/port/syslog/message-events.ts"
import { demand, originalOf, scanCopy, source, verdictOf, world } from "./event-desk.ts"
import { type Parser, parserOf } from "./parser.ts"

interface Cut {
  /** The messages one behind the other: an array for each would take longer than the parser. */
  readonly bytes: Uint8Array
  readonly lengths: readonly number[]
  readonly tooLarge: number
  readonly unfinished: Uint8Array | undefined
  readonly failure: PosternError | undefined
}

function cut(bytes: Uint8Array, chunkBytes: number, messageBytesMax: number): Cut {
  const framing = new SyslogFraming(messageBytesMax)
  const messages = new Uint8Array(bytes.length)
  const lengths: number[] = []
  let end = 0
  let failure: PosternError | undefined
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      // The memory is the network's again as soon as everything in it was looked at.
      framing.push(bytes.slice(at, at + chunkBytes))
      for (let found = framing.next(); found !== undefined; found = framing.next()) {
        messages.set(found, end)
        lengths.push(found.length)
        end += found.length
      }
      demand(framing.heldBytes <= messageBytesMax + 64, `${framing.heldBytes} bytes are held`)
    }
  } catch (error) {
    if (!isPosternError(error)) throw error
    failure = error
  }
  const isMidMessage = failure === undefined && framing.isMidMessage
  const unfinished = failure === undefined ? framing.takeUnfinished()?.bytes : undefined
  demand(unfinished === undefined || isMidMessage, "something is unfinished between messages")
  const { tooLarge } = framing
  return { bytes: messages.subarray(0, end), lengths, tooLarge, unfinished, failure }
}

function* messagesOf({ bytes, lengths }: Cut): Generator<Uint8Array> {
  let at = 0
  for (const length of lengths) {
    yield bytes.subarray(at, at + length)
    at += length
  }
}

function isSame(one: Cut, other: Cut): boolean {
  const [a, b] = [one, other].map(({ bytes, lengths, tooLarge, unfinished, failure }) => {
    const about = JSON.stringify({ tooLarge, code: failure?.code, lengths })
    return Buffer.concat([encodeUtf8(about), bytes, unfinished ?? new Uint8Array(0)])
  })
  return a !== undefined && b?.equals(a) === true
}

/** The same messages as RFC 6587 §3.4.1 counts them. */
function countedAgain(cut: Cut): Uint8Array {
  const heads = cut.lengths.map((length) => `${length} `)
  const headBytes = heads.reduce((sum, { length }) => sum + length, 0)
  const all = Buffer.alloc(headBytes + cut.bytes.length)
  let at = 0
  let i = 0
  for (const message of messagesOf(cut)) {
    at += all.write(heads[i++] as string, at, "latin1")
    all.set(message, at)
    at += message.length
  }
  return all
}

const longMax = 70_000
/** What goes on for longer goes on in the same way, and to look at each event takes longer than to make it. */
const lookedAtMax = 10_000

/** Messages of a connection, whatever the network makes of its bytes; what was found must be found again when it is counted. */
function cutThrice(bytes: Uint8Array, messageBytesMax: number): Cut {
  const one = cut(bytes, Math.max(1, bytes.length), messageBytesMax)
  for (const chunkBytes of bytes.length > longMax ? [4_093] : [1, 7]) {
    demand(
      isSame(one, cut(bytes, chunkBytes, messageBytesMax)),
      "another chunking gives other messages",
    )
  }
  if (one.failure !== undefined) throw one.failure
  const again = cut(countedAgain(one), longMax, messageBytesMax)
  demand(isSame({ ...one, tooLarge: 0, unfinished: undefined }, again), "counted, they are others")
  return one
}

/** The events of a connection: as the port makes them of its messages, region by region. */
function eventsOf(bytes: Uint8Array): object[] {
  const whole = cut(bytes, Math.max(1, bytes.length), 65_536)
  const messages = [...messagesOf({ ...whole, lengths: whole.lengths.slice(0, lookedAtMax) })]
  const rest = messages.map((message) => Buffer.from(message)).reverse()
  const events = new MessageEvents({ session: "s", source: () => source, ...world })
  const kept: Uint8Array[] = []
  const next = (): Uint8Array | undefined => rest.pop()
  const takeAll = (): void => {
    for (let made = events.make(next); made !== undefined; made = events.make(next)) {
      const found =
        "large" in made
          ? [{ bytes: made.large, verdict: verdictOf(made.large) }]
          : scanCopy(made.region, made.count)
      for (const { bytes: event, verdict } of found) {
        demand(verdict === "accepted", `an event is ${verdict}`)
        kept.push(originalOf(event, "syslog"))
      }
    }
  }
  takeAll()
  events.end()
  takeAll()
  demand(events.made === events.handedOver, "an event was made and not given")
  demand(sortedLines(kept) === sortedLines(messages), "a message was lost or changed")
  return [{ messages: messages.length, events: kept.length }]
}

function sortedLines(of: readonly Uint8Array[]): string {
  const lines = of.flatMap((bytes) => Buffer.from(bytes).toString("latin1").split("\n"))
  return lines.sort().join("\n")
}

const texts = samples.syslog ?? []
const counted = (text: string): string => `${Buffer.byteLength(text)} ${text}`
const streams = [
  texts.map(counted).join(""),
  texts.map((text) => `${text}\n`).join(""),
  texts.map((text, i) => (i % 2 === 0 ? counted(text) : `${text}\r\n`)).join("\0\n"),
  `${counted("<13>a")}12 <13>half`,
  "2026-11-23T08:00:00Z host\n007 bond\n4711\n",
  `${counted("x".repeat(200))}<1>a\n${"y".repeat(200)}\n${counted("<2>b")}`,
].map(encodeUtf8)
const beyond = ["16777217 x", "99999999999 <13>a\n", `${"9".repeat(31)} x`].map(encodeUtf8)

export const syslogParsers: readonly Parser[] = [
  parserOf({
    name: "syslog-framing",
    codes: ["SYSLOG_FRAMING"],
    seeds: streams,
    bad: beyond,
    parse: (bytes: Uint8Array) => cutThrice(bytes, 100),
  }),
  parserOf({
    name: "syslog-events",
    codes: [],
    seeds: [...streams, ...texts.map((text) => encodeUtf8(`${text}\n`))],
    parse: eventsOf,
  }),
]
