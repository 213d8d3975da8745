import type { ErrorCode } from "@postern/log/base"
import { dataOf, type Indexed } from "../support/entries.ts"
import { eventOf, eventText } from "../support/events.ts"
import type { Grant } from "../support/installation.ts"
import { sayHttp } from "./dial.ts"
import { httpPost } from "./http-text.ts"
import { type Ground, numbered, type Row, works } from "./row.ts"
import { enterStream } from "./rows-frames.ts"

interface Bad {
  readonly name: string
  readonly code: ErrorCode
  readonly bytes: string | Uint8Array
  readonly grant?: Grant
  /** HTTP reads it otherwise: what may be left out is filled in, a line ends at a line feed. */
  readonly framedOnly?: true
}

/** The usual event as text, to be changed. */
const good = eventText({ data: { x: "MARK" } })
const marked = (bytes: readonly number[]): Uint8Array => {
  const [before = "", after = ""] = good.split("MARK")
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
}
const without = (key: string): string => {
  const { [key]: _, ...rest } = eventOf()
  return JSON.stringify(rest)
}
const withData = (json: string): string => good.replace('"MARK"', json)
/** `levels` in all, the event's and data's among them. */
const nested = (levels: number): string =>
  withData(`${"[".repeat(levels - 2)}${"]".repeat(levels - 2)}`)
const first = (member: string): string => good.replace("{", `{${member},`)

const syntax: readonly (readonly [string, string | Uint8Array])[] = [
  ["a trailing comma", good.replace(/\}$/, ",}")],
  ["a comment", good.replace("{", "{/* */")],
  ["two documents", `${good}${good}`],
  ["a byte order mark", `\ufeff${good}`],
  ["NaN", withData("NaN")],
  ["-Infinity", withData("-Infinity")],
  ["a number with a leading zero", withData("01")],
  ["a number that ends at its point", withData("1.")],
  ["single quotes", good.replaceAll('"', "'")],
  ["an unquoted key", first("v:1")],
  ["a control character in a string", marked([1])],
  ["a NUL", marked([0])],
  ["an escape that is none", withData('"\\x41"')],
  ["half an escape", withData('"\\u12"')],
  ["an array", `[${good}]`],
  ["a string", '"event"'],
  ["an end in the middle", good.slice(0, -1)],
  ["a brace too many", `${good}}`],
  ["a literal in capitals", withData("TRUE")],
]

const utf8: readonly (readonly [string, readonly number[]])[] = [
  ["a lone 0xff", [0xff]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["an overlong NUL of three bytes", [0xe0, 0x80, 0x80]],
  ["a surrogate as bytes", [0xed, 0xa0, 0x80]],
  ["a character above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["a continuation byte alone", [0x80]],
  ["half a character", [0xe2, 0x82]],
]

const bad: readonly Bad[] = [
  ...syntax.map(([name, bytes]): Bad => ({ name, code: "EVENT_SYNTAX", bytes })),
  { name: "no byte at all", code: "EVENT_SYNTAX", bytes: "", framedOnly: true },
  ...utf8.map(([name, bytes]): Bad => ({ name, code: "EVENT_UTF8", bytes: marked(bytes) })),
  { name: "depth 33", code: "EVENT_DEPTH", bytes: nested(33) },
  { name: "depth 30,000", code: "EVENT_DEPTH", bytes: nested(30_000) },
  {
    name: "depth 100,000",
    code: "EVENT_DEPTH",
    bytes: withData(`${"[".repeat(100_000)}${"]".repeat(100_000)}`),
    framedOnly: true, // Over HTTP it is too large first.
  },
  {
    name: "30,000 brackets that never close",
    code: "EVENT_DEPTH",
    bytes: `{"data":{"x":${"[".repeat(30_000)}`,
  },
  { name: "a key twice", code: "EVENT_DUPLICATE_KEY", bytes: first('"action":"a.b"') },
  { name: "an escaped key", code: "EVENT_ESCAPED_KEY", bytes: first('"\\u0076":1') },
  { name: "__proto__", code: "EVENT_UNKNOWN_KEY", bytes: first('"__proto__":{"outcome":"x"}') },
  {
    name: "constructor",
    code: "EVENT_UNKNOWN_KEY",
    bytes: first('"constructor":{"prototype":{}}'),
  },
  { name: "toString", code: "EVENT_UNKNOWN_KEY", bytes: first('"toString":"x"') },
  { name: "the port's peer", code: "EVENT_UNKNOWN_KEY", bytes: first('"peer":{"id":"x"}') },
  { name: "the port's seq", code: "EVENT_UNKNOWN_KEY", bytes: first('"seq":1') },
  { name: "the port's policy", code: "EVENT_UNKNOWN_KEY", bytes: first('"policy":"none"') },
  { name: "the port's chain", code: "EVENT_UNKNOWN_KEY", bytes: first('"chain":"00"') },
  { name: "an unknown key", code: "EVENT_UNKNOWN_KEY", bytes: first('"colour":"red"') },
  { name: "no action", code: "EVENT_MISSING_FIELD", bytes: without("action") },
  { name: "no actor", code: "EVENT_MISSING_FIELD", bytes: without("actor") },
  { name: "no id", code: "EVENT_MISSING_FIELD", bytes: without("id"), framedOnly: true },
  { name: "an empty object", code: "EVENT_MISSING_FIELD", bytes: "{}" },
  { name: "actor as text", code: "EVENT_FIELD_TYPE", bytes: eventText({ actor: "alice" }) },
  { name: "targets as object", code: "EVENT_FIELD_TYPE", bytes: eventText({ targets: {} }) },
  { name: "id as number", code: "EVENT_FIELD_TYPE", bytes: eventText({ id: 7 }) },
  {
    name: "February 32",
    code: "EVENT_FIELD_VALUE",
    bytes: eventText({ time: "2026-02-32T00:00:00Z" }),
  },
  {
    name: "month 13",
    code: "EVENT_FIELD_VALUE",
    bytes: eventText({ time: "2026-13-01T00:00:00Z" }),
  },
  {
    name: "an offset of 14:60",
    code: "EVENT_FIELD_VALUE",
    bytes: eventText({ time: "2026-11-22T00:00:00+14:60" }),
  },
  {
    name: "second 61",
    code: "EVENT_FIELD_VALUE",
    bytes: eventText({ time: "2016-12-31T23:59:61Z" }),
  },
  {
    name: "a year of 5 digits",
    code: "EVENT_FIELD_VALUE",
    bytes: eventText({ time: "12026-11-22T00:00:00Z" }),
  },
  { name: "yesterday", code: "EVENT_FIELD_VALUE", bytes: eventText({ time: "yesterday" }) },
  { name: "an unknown outcome", code: "EVENT_FIELD_VALUE", bytes: eventText({ outcome: "fine" }) },
  {
    name: "an id of 129 bytes",
    code: "EVENT_FIELD_VALUE",
    bytes: eventText({ id: "x".repeat(129) }),
  },
  {
    name: "an action with a line feed",
    code: "EVENT_FIELD_VALUE",
    bytes: eventText({ action: "a\nb" }),
  },
  { name: "v 2", code: "EVENT_VERSION", bytes: eventText({ v: 2 }) },
  {
    name: "65 KiB",
    code: "EVENT_TOO_LARGE",
    bytes: eventText({ data: { x: "y".repeat(66_560) } }),
    framedOnly: true, // Over HTTP the port keeps such data beside the entry.
  },
  {
    name: "65 KiB of targets",
    code: "EVENT_TOO_LARGE",
    bytes: eventText({ targets: Array(100).fill({ type: "t", id: "y".repeat(700) }) }),
  },
  {
    name: "an action of the port",
    code: "EVENT_SELF_ACTION",
    bytes: eventText({ action: "postern.refused" }),
  },
  {
    name: "a source that is not granted",
    code: "EVENT_SOURCE_NOT_GRANTED",
    bytes: eventText({ source: "app://payroll" }),
    grant: { sources: ["app://billing"] },
  },
  {
    name: "an action that is not granted",
    code: "EVENT_ACTION_NOT_GRANTED",
    bytes: eventText({ action: "user.deleted" }),
    grant: { actions: ["invoice.*"] },
  },
]

/** The bad one between two good ones, which must be kept. */
const framed = bad.map(({ name, code, bytes, grant }): Row => {
  const act: Row["act"] = async (ground) => {
    const { client, stream } = await enterStream(ground)
    try {
      client.send(stream.batch([eventText(), bytes, eventText()]))
      const { refused } = await client.refused()
      const { batches } = await client.ack()
      const said = refused.map((each) => `${each.code} at ${each.positions}`)
      return `${said}, accepted ${batches[0]?.accepted}`
    } finally {
      client.destroy()
    }
  }
  const expects = `${code} at 1, accepted 2`
  return { name: `event: ${name}`, act, expects, leaves: [code], ...(grant && { grant }) }
})

const posted = bad
  .filter(({ framedOnly }) => !framedOnly)
  .map(({ name, code, bytes, grant }): Row => {
    const act: Row["act"] = (ground) => {
      const lines = [eventText(), bytes, eventText()].flatMap((line) => [line, "\n"])
      const body = Buffer.concat(lines.map((line) => Buffer.from(line)))
      return sayHttp(ground, httpPost(body, { "content-type": "application/x-ndjson" }))
    }
    const expects = `200 accepted 2 ${code}`
    return { name: `line: ${name}`, act, expects, leaves: [code], ...(grant && { grant }) }
  })

/** Odd, and well-formed: kept as it came, byte for byte. */
const kept: readonly (readonly [string, string])[] = [
  ["1e400", withData("1e400")],
  ["minus zero", withData("-0")],
  ["2^53 + 1", withData("9007199254740993")],
  ["10,000 digits", withData("7".repeat(10_000))],
  ["a lone surrogate, escaped", withData('"\\ud800"')],
  ["a NUL, escaped", withData('"\\u0000"')],
  ["an ANSI escape, escaped", withData('"\\u001b[2J"')],
  ["DEL and C1", withData('"\u007f\u0085\u009b"')],
  ["right to left", withData('"\u202e\u2066abc"')],
  ["line separators", withData('"\u2028\u2029"')],
  ["a byte order mark in a string", withData('"\ufeff"')],
  ["__proto__ in data", withData('{"__proto__":{"admin":true},"constructor":{"prototype":1}}')],
  ["the port's facts in data", withData('{"peer":{"id":"root"},"seq":1,"policy":0,"chain":"00"}')],
  ["5,000 keys in data", withData(`{${Array.from({ length: 5000 }, (_, i) => `"k${i}":1`)}}`)],
  ["a string for bad patterns", withData(`"${"a".repeat(50_000)}@"`)],
  ["é in one character", withData('"\u00e9"')],
  ["é in two", withData('"e\u0301"')],
  ["a secret in base64", withData('{"a":"cGFzc3dvcmQ9","b":"aHVudGVyMg=="}')],
  ["a secret in two halves", withData('{"a":"pass","b":"word=hunter2"}')],
  ["a secret in a URL's escapes", withData('"%70assword%3Dhunter2"')],
  ["a card number with spaces", withData('"4111 1111 1111 1111"')],
  ["a leap second", good.replace(/"time":"[^"]*"/, '"time":"2016-12-31T23:59:60Z"')],
  ["the year 0", good.replace(/"time":"[^"]*"/, '"time":"0000-01-01T00:00:00Z"')],
  ["the year 9999", good.replace(/"time":"[^"]*"/, '"time":"9999-12-31T23:59:59Z"')],
]

const asTheyCame = kept.map(([name, text]): Row => {
  /** One id each: events with the same would be told apart by their content only. */
  const event = (name: string): string => text.replace(/"id":"[^"]*"/, `"id":"kept ${name}"`)
  const act: Row["act"] = async (ground) => {
    const { client, stream } = await enterStream(ground)
    try {
      client.send(stream.batch([event(`${name} framed`)]))
      const { batches } = await client.ack()
      const line = { "content-type": "application/x-ndjson" }
      const posted = await sayHttp(ground, httpPost(`${event(`${name} posted`)}\n`, line))
      return `accepted ${batches[0]?.accepted}, ${posted}`
    } finally {
      client.destroy()
    }
  }
  const reads = (all: readonly Indexed[], { writer }: Ground): string | undefined => {
    const opened = all.filter((entry) => dataOf(entry).writer === writer.id)
    const opens = new Set(opened.map(({ index }) => index))
    const texts = all
      .filter(({ stamp }) => opens.has(stamp.open))
      .map(({ eventBytes }) => Buffer.from(eventBytes).toString())
    const wanted = [event(`${name} framed`), event(`${name} posted`)]
    const isThere = wanted.every((each) => texts.includes(each))
    return isThere ? undefined : `not kept as it came: ${texts.join().slice(0, 300)}`
  }
  return { ...works(`kept: ${name}`, act, "accepted 1, 200 accepted 1"), reads }
})

const all = [...framed, ...posted, ...asTheyCame]
const both = (...names: readonly string[]): string[] =>
  names.flatMap((name) => all.map((row) => row.name).filter((each) => each.endsWith(`: ${name}`)))

export const eventRows: readonly Row[] = numbered(all, {
  59: both("depth 33", "depth 30,000", "depth 100,000", "30,000 brackets that never close"),
  60: both("a key twice", "an escaped key"),
  61: both("__proto__", "constructor", "toString", "__proto__ in data"),
  62: both("NaN", "-Infinity", "1e400", "minus zero", "2^53 + 1", "10,000 digits"),
  63: both(...utf8.map(([name]) => name)),
  64: both("a lone surrogate, escaped", "half an escape"),
  65: both(
    ...["a control character in a string", "a NUL", "a byte order mark", "a NUL, escaped"],
    ...["an ANSI escape, escaped", "DEL and C1", "right to left", "line separators"],
  ),
  67: both("5,000 keys in data"),
  68: both("a string for bad patterns"),
  69: both("a trailing comma", "a comment", "two documents"),
  70: both("é in one character", "é in two"),
  71: both(
    ...["the port's peer", "the port's seq", "the port's policy", "the port's chain"],
    ...["the port's facts in data", "an action of the port"],
  ),
  72: both(
    ...["a secret in base64", "a secret in two halves", "a secret in a URL's escapes"],
    "a card number with spaces",
  ),
  73: both(
    ...["the year 0", "the year 9999", "a leap second", "an offset of 14:60", "second 61"],
    ...["month 13", "a year of 5 digits", "February 32", "yesterday"],
  ),
})
