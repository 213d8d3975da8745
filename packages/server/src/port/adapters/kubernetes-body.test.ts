import { discloseEvent } from "@postern/log/event"
import { describe, expect, it } from "vitest"
import { base, list } from "./audit-event.test.support.ts"
import { kubernetesAdapter } from "./index.ts"
import { convert, nextRegion, openBody, type Written } from "./workbench.test.support.ts"

describe("a body", () => {
  const text = JSON.stringify(base)
  const expected = convert(kubernetesAdapter, list(text, text))

  it("is an EventList, however it is written, or one Event", () => {
    const value = JSON.parse(list(text, text))
    const { items, ...head } = value
    const bodies = [
      JSON.stringify({ items, ...head }),
      JSON.stringify({ ...head, items, more: [1, { items: [] }] }),
      JSON.stringify({ metadata: { annotations: ["["] }, ...head, items }),
      JSON.stringify({ note: "x".repeat(600), ...value }),
      ` ${list(text, text)}  `,
    ]
    for (const body of bodies) expect(convert(kubernetesAdapter, body), body).toEqual(expected)
    const pretty = convert(kubernetesAdapter, JSON.stringify(value, undefined, 2))
    expect(pretty.map(({ text: entry }) => JSON.parse(entry))).toEqual(
      expected.map(({ text: entry }) => JSON.parse(entry)),
    )
    const single = { kind: "Event", apiVersion: "audit.k8s.io/v1", ...base }
    const [entry] = convert(kubernetesAdapter, `${JSON.stringify(single)}\n`)
    expect(JSON.parse(entry?.text ?? "").data.kubernetes).toEqual(single)
    expect(entry?.code).toBeUndefined()
  })

  it("may be empty", () => {
    expect(convert(kubernetesAdapter, list())).toEqual([])
    expect(convert(kubernetesAdapter, list().replace("[]", "null"))).toEqual([])
  })

  it("may be of any length", () => {
    const many = convert(kubernetesAdapter, list(...Array(1500).fill(text)))
    expect(many).toHaveLength(1500)
    expect(many.every((written) => written.text === expected[0]?.text)).toBe(true)
  })

  const head = '"apiVersion":"audit.k8s.io/v1"'
  it.each([
    "",
    "{}",
    "[]",
    "null",
    text,
    `[${text}]`,
    list(text).slice(0, -4),
    `${list(text)}x`,
    list(text).replace("audit.k8s.io/v1", "audit.k8s.io/v1beta1"),
    list(text).replace("EventList", "PodList"),
    `{${head},"items":[]}`,
    `{${head},"kind":"EventList"}`,
    `{${head},"kind":"EventList","items":{}}`,
    `{${head},"kind":"EventList","items":"[]"}`,
    `{${head},"kind":"EventList","items":[],"items":[${text}]}`,
    `{${head},"kind":"EventList","kind":"Event","items":[]}`,
    `{${head},"kind":"EventList","items":[1,]}`,
    `{${head},"kind":"EventList","items":[],"it\\u0065ms":[]}`,
    `{${head},"kind":"EventList","items":[${text}}`,
    `{${head},"kind":"EventList","items":[${text}]]}`,
    `{${head},"kind":"EventList","items":[]},"x":[]}`,
  ])("that is something else is refused: %j", (body) => {
    expect(() => openBody(kubernetesAdapter, body)).toThrowError(
      expect.objectContaining({ code: "HTTP_BODY_SYNTAX" }),
    )
  })

  it("comes as JSON", () => {
    for (const contentType of ["application/x-ndjson", "application/yaml", ""]) {
      expect(() => openBody(kubernetesAdapter, list(text), { contentType })).toThrowError(
        expect.objectContaining({ code: "HTTP_CONTENT_TYPE" }),
      )
    }
  })

  it("comes out the same in regions of every size", () => {
    const other = JSON.stringify({
      ...base,
      user: { username: "bob" },
      requestObject: { a: "x".repeat(700) },
    })
    const body = list(text, other, "7", text)
    const whole = convert(kubernetesAdapter, body)
    const largest = Math.max(...whole.map((written) => written.text.length))
    for (let room = 0; room < 6000; room += 7) {
      const run = openBody(kubernetesAdapter, body)
      const seen: Written[] = []
      for (let next = nextRegion(run, room); next !== undefined; next = nextRegion(run, room)) {
        expect(next.touched).toBe(false)
        expect(next.bytes).toBeLessThanOrEqual(room)
        if (next.events.length === 0) break
        seen.push(...next.events)
      }
      expect(seen).toEqual(whole.slice(0, seen.length))
      if (room >= largest + 4) expect(seen).toHaveLength(whole.length)
    }
  })

  const sized = (bytes: number) => JSON.stringify({ ...base, requestObject: "x".repeat(bytes) })

  it("keeps the original of an event that no entry can hold out of it, and the envelope in it", () => {
    const envelope = (expected[0]?.text.length ?? 0) - text.length
    const fits = 65_438 - envelope - text.length - ',"requestObject":""'.length
    for (const [bytes, isKeptOut] of [
      [fits, false],
      [fits + 1, true],
      [fits + envelope + 1, true],
      [200_000, true],
    ] as const) {
      const item = sized(bytes)
      const [first, second] = convert(kubernetesAdapter, list(item, text))
      expect(second).toEqual(expected[0])
      expect(first).toMatchObject({ isTooLarge: false, changed: isKeptOut ? 3 : 2 })
      if (!isKeptOut) continue
      const event = JSON.parse(first?.text ?? "") as Record<string, unknown>
      const values = first?.values.map(({ json }) => json) ?? []
      const { data: _, ...rest } = JSON.parse(expected[0]?.text ?? "") as { data: unknown }
      const open = discloseEvent(event, values)
      expect(open).toEqual({ ...rest, data: { kubernetes: JSON.parse(item) } })
      expect(values.map((json) => Buffer.from(json).includes(item))).toEqual([true])
    }
  })

  it("keeps the place of an event that is larger than its writer may send", () => {
    const body = list(sized(1000), text)
    const written = convert(kubernetesAdapter, body, { itemBytesMax: text.length })
    expect(written.map((event) => event.isTooLarge)).toEqual([true, false])
    expect(written[0]?.text).toBe("{}")
  })
})
