import { discloseEvent, eventKeys } from "@postern/log/event"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { httpAdapter } from "./http.ts"
import { convert, nextRegion, openBody } from "./workbench.test.support.ts"

const event = {
  id: "1",
  time: "2026-11-22T12:00:00Z",
  source: "app://a",
  action: "a.b",
  outcome: "success",
  actor: { type: "user", id: "u" },
  targets: [],
}
const eventBytesSure = 65_438
const filler = (bytes: number) => ({ x: "é".repeat(bytes / 2) })

/** The one event of a body. */
function one(text: string) {
  const [written, ...others] = convert(httpAdapter, text)
  expect(others).toEqual([])
  if (written === undefined) throw new Error("there is no event")
  return written
}

function reopened({ text, values }: ReturnType<typeof one>): Record<string, unknown> {
  return discloseEvent(
    JSON.parse(text),
    values.map(({ json }) => json),
  )
}

describe("an event that is too large for an entry", () => {
  it("loses its largest member, and whoever has that can put it back", () => {
    const whole = { ...event, data: filler(200_000), labels: { small: true } }
    const written = one(JSON.stringify(whole))
    expect(written).toMatchObject({ changed: 3, code: "EVENT_DISCLOSURE", isTooLarge: false })
    expect(written.values).toHaveLength(1)
    const { _sd, ...rest } = JSON.parse(written.text) as Record<string, unknown>
    expect(rest).toEqual({ ...event, labels: { small: true } })
    expect(_sd).toEqual(written.values.map(({ digest }) => digest))
    expect(reopened(written)).toEqual(whole)
  })

  it("is filled in as well, and always fits, whatever members are large", () => {
    const names = ["reason", "origin", "request", "response", "trace", "labels", "data"] as const
    const sizes = fc.record(
      Object.fromEntries(names.map((name) => [name, fc.integer({ min: 0, max: 40_000 })])),
    )
    fc.assert(
      fc.property(sizes, fc.boolean(), fc.boolean(), (bytes, hasId, hasTime) => {
        const { id, time, ...rest } = event
        const given = { ...(hasId ? { id } : {}), ...(hasTime ? { time } : {}), ...rest }
        const large = Object.fromEntries(names.map((name) => [name, filler(bytes[name] ?? 0)]))
        const text = JSON.stringify({ ...given, ...large })
        const written = one(text)
        expect(Buffer.byteLength(written.text)).toBeLessThanOrEqual(eventBytesSure)
        expect(written.isTooLarge).toBe(false)
        expect(reopened(written)).toMatchObject({ ...given, ...large })
      }),
      { numRuns: 60 },
    )
  })

  it("keeps a member as it was written, white space and all", () => {
    const spaced = `{ "a" : [ 1.0e2 , "\\u00e9" ] , "b" : "${"x".repeat(70_000)}" }`
    const { values, text } = one(`{ "data" : ${spaced} ,${JSON.stringify(event).slice(1)}`)
    expect(Buffer.from(values[0]?.json ?? []).toString()).toContain(`,"data",${spaced}]`)
    expect(JSON.parse(text)).toMatchObject(event)
  })

  it("gives the same event each time it is sent", () => {
    const text = JSON.stringify({ ...event, data: filler(100_000), request: filler(80_000) })
    expect(one(text)).toEqual(one(text))
  })

  const large = `"x":"${"x".repeat(70_000)}"`
  it.each([
    ["a required member is the large one", `"actor":{"type":"u","id":"1",${large}}`],
    ["a text is the large one", `"category":"${"x".repeat(70_000)}"`],
    ["a member stands twice", `"data":{${large}},"data":{}`],
    ["a member has an escape in its name", `"d\\u0061ta":{${large}}`],
    ["a member is unknown", `"extra":{${large}}`],
    ["a member has the wrong type", `"data":[{${large}}]`],
    ["it names digests already", `"data":{${large}},"_sd":[]`],
    ["it is not JSON", `"data":{${large}`],
  ])("is not to be helped if %s", (_, member) => {
    const { actor, ...rest } = event
    const base = JSON.stringify(member.startsWith('"actor"') ? rest : { ...rest, actor })
    const body = `${base.slice(0, -1)},${member}}`
    const written = convert(httpAdapter, `${body}\n${JSON.stringify(event)}`, {
      contentType: "application/x-ndjson",
    })
    expect(written).toMatchObject([{ text: "{}", isTooLarge: true, values: [] }, { changed: 0 }])
  })

  it("shares no region with others, and loses nothing between two regions", () => {
    const big = JSON.stringify({ ...event, data: filler(90_000) })
    const small = JSON.stringify(event)
    const lines = [small, big, big, small, big].join("\n")
    const run = openBody(httpAdapter, lines, { contentType: "application/x-ndjson" })
    const changes: number[][] = []
    for (let next = nextRegion(run, 70_000); next !== undefined; next = nextRegion(run, 70_000)) {
      changes.push(next.events.map(({ changed }) => changed))
      for (const { values, changed } of next.events) expect(values).toHaveLength(changed / 3)
      expect(next.touched).toBe(false)
    }
    expect(changes).toEqual([[0], [3, 3], [0], [3]])
  })
})

it("knows every key of an event that may be kept out by its type", () => {
  for (const [name, type] of Object.entries(eventKeys)) {
    if (type !== "object" && type !== "array") continue
    if (name === "actor" || name === "targets") continue
    const value = type === "object" ? filler(70_000) : [filler(70_000)]
    expect(one(JSON.stringify({ ...event, [name]: value })).values).toHaveLength(1)
  }
})
