import type { ErrorCode } from "@postern/log/base"
import { eventOf, eventText } from "../support/events.ts"
import type { Grant } from "../support/installation.ts"
import { sayHttp } from "./dial.ts"
import { httpPost } from "./http-text.ts"
import type { Row } from "./row.ts"
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
  ["Infinity", withData("-Infinity")],
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

export const eventRows: readonly Row[] = [...framed, ...posted]
