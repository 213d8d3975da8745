import { encodeUtf8 } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { type Format, formats, writeEvent } from "./index.ts"
import { readMapping } from "./mapping.ts"
import { defaults, formatNamed, readEvents, verdictOf, world } from "./reading.test.support.ts"
import { samples } from "./samples.test.support.ts"

/** Values of every type; some objects are such that becoming a text or a number is more than they can. */
const values = [
  ...["1", "-1", "1.5e300", "1e400", "true", "null", '""', '"x"', '"\\ud800"'],
  ...["[]", "{}", '["x"]', '{"toString":1,"valueOf":1}', '{"__proto__":{"type":"t","id":"i"}}'],
]

/** The JSON of a value with each of its members in turn said twice, or as another value, however deep it stands. */
function* changed(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return
  const isList = Array.isArray(value)
  const [open, close] = isList ? "[]" : "{}"
  const parts = Object.entries(value).map(([key, inner]) => {
    return { inner, name: isList ? "" : `${JSON.stringify(key)}:` }
  })
  const whole = parts.map(({ name, inner }) => name + JSON.stringify(inner))
  for (const [i, { name, inner }] of parts.entries()) {
    for (const text of [...values, ...changed(inner)]) {
      yield `${open}${whole.with(i, name + text).join()}${close}`
    }
    if (!isList) for (const text of values) yield `{${name}${text},${whole.join()}}`
  }
}

function take(format: Format, text: string): number {
  let taken = 0
  const decoder = format.open(world)
  const give = (event: Parameters<typeof writeEvent>[0]): void => {
    taken += 1
    const verdict = verdictOf(writeEvent(event, defaults))
    if (verdict !== "accepted") throw new Error(`${verdict}: ${text}`)
  }
  decoder.take(encodeUtf8(text), give)
  decoder.end(give)
  return taken
}

const json = [...formats.values()].filter(({ of }) => of === "json").map(({ name }) => name)

describe.each(json)("%s, with a member of another type or said twice,", (name) => {
  // A log file of CloudTrail is as many events as it has records.
  const records = (samples[name] ?? []).filter((text) => !text.startsWith('{"Records"'))
  const variants = records.flatMap((text) => [...changed(JSON.parse(text))])

  test("is an event that the port takes, alone and in a message of syslog", () => {
    for (const text of variants) {
      expect(take(formatNamed(name), text)).toBe(1)
      expect(take(formatNamed("syslog"), `<13>1 - h a p m - ${text}`)).toBe(1)
    }
  })
})

test("so is what a mapping makes", () => {
  const times = ["seconds", "nanoseconds"].map((unit) => `{at: /t, unit: ${unit}}`)
  for (const time of ["/t", ...times]) {
    const mapping = readMapping(`{name: shop, action: /a, id: /i, time: ${time}, severity: /s}`)
    for (const text of changed({ a: "b", i: "1", t: 5, s: "x" })) {
      expect(take(mapping, text)).toBe(1)
    }
  }
})

test("a log file of CloudTrail with two lists of records loses neither", () => {
  const list = (eventName: string) => `"Records":[{"eventSource":"s","eventName":"${eventName}"}]`
  const file = `{${list("first")},${list("second")}}`
  const { events, foreign } = readEvents("cloudtrail", [file])
  expect(events).toMatchObject([{ action: "cloudtrail.unreadable" }])
  expect(Buffer.from(foreign[0]?.original ?? []).toString()).toBe(file)
})

test("members of an event in a message are taken over as far as an entry has room for them", () => {
  const message = (numbers: number) =>
    `<13>1 - h a p m - {"action":"a.b","actor":{"type":"user","id":"u","x":[${"1e21,".repeat(numbers)}0]},"targets":[]}`
  const { events } = readEvents("syslog", [message(2_000), message(12_000)])
  expect(events.map(({ action }) => action)).toEqual(["a.b", "syslog.user"])
  expect(events[1]).toMatchObject({ data: { line: message(12_000) } })
})
