import { encodeUtf8 } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { parsePolicy } from "../policy/rules/index.ts"
import { settle } from "./commits.test.support.ts"
import { live, peer } from "./lives.test.support.ts"
import { regionOf } from "./sequencer/placing.test.support.ts"
import type { BatchOwner } from "./session/index.ts"

afterEach(removeDirectories)

const ignore = () => undefined
const owner: BatchOwner = { durable: ignore, flush: ignore, resume: ignore, superseded: ignore }
const policy = parsePolicy(
  "rules:\n  - name: p\n    level: full\n    transforms:\n      - { at: /data/*, do: hmac }\n",
)

const rest = { source: "a:a", action: "user.login", outcome: "denied", targets: [] }
const eventOf = (n: number, data?: object) =>
  encodeUtf8(
    JSON.stringify({
      id: `${n}`,
      time: "2026-11-22T12:00:00Z",
      ...rest,
      actor: {},
      ...(data && { data }),
    }),
  )

function bodyOf(events: readonly Uint8Array[]) {
  const more = { changed: 0, tooLarge: [], keptOut: [], adapter: "http" } as const
  const kept = new Set<string>()
  return { owner, peer, region: regionOf(events), count: events.length, kept, ...more }
}

const regionBytesMax = 256 * 1024
const frameBytes = 1_048_000

/** As many of them as a region has room for. */
function fill(bytesMax: number, next: (n: number) => Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = []
  for (let bytes = 0; ; ) {
    const event = next(events.length)
    bytes += 4 + event.length
    if (bytes > bytesMax) return events
    events.push(event)
  }
}

const seven = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 }
const twenty = Object.fromEntries(
  Array.from({ length: 20 }, (_, i) => [String.fromCharCode(97 + i), i % 10]),
)

describe("a batch of small events that each grow under the policy", () => {
  test("is kept whole if its region is as large as that of a body", async () => {
    const port = await live(newDirectory(), 64 * 1024 * 1024)
    port.policy.use(policy)
    for (const [base, data] of [seven, twenty].entries()) {
      const events = fill(regionBytesMax, (n) => eventOf(10_000 * (base + 1) + n, data))
      const offered = port.intake.offerBody(bodyOf(events))
      expect(offered).toMatchObject({ kind: "placed", refused: [], accepted: events.length })
      await new Promise((resolve) => port.commits.afterDurable(() => resolve(undefined)))
    }
    await port.end()
  })

  test("as large as a frame loses those that do not fit 3,145,728 bytes with the others, and no more", async () => {
    const port = await live(newDirectory(), 64 * 1024 * 1024)
    port.policy.use(policy)
    const events = fill(frameBytes, (n) => eventOf(n, seven))
    const offered = port.intake.offerBody(bodyOf(events))
    if (offered.kind !== "placed") throw new Error(offered.kind)
    const sizes = offered.altered.map(({ event }) => event.length)
    const kept = sizes.reduce((bytes, size) => bytes + size, 0)
    await port.end()
    expect(kept).toBeLessThanOrEqual(3_145_728)
    expect(kept + Math.max(...sizes)).toBeGreaterThan(3_145_728)
    expect(offered.refused.map(({ code }) => code)).toEqual(["EVENT_TOO_LARGE"])
    expect(sizes.length + (offered.refused[0]?.positions.length ?? 0)).toBe(events.length)
  })

  test("finds room in an empty slot, whatever part of it grows", async () => {
    const port = await live(newDirectory(), 64 * 1024 * 1024)
    port.policy.use(policy)
    const events = [
      ...Array.from({ length: 2_000 }, (_, n) => eventOf(n, twenty)),
      ...Array.from({ length: 4_157 }, (_, n) => eventOf(10_000 + n)),
    ]
    const body = bodyOf(events)
    expect(body.region.length).toBeLessThan(frameBytes)
    port.intake.offerBody(bodyOf([eventOf(99_999)]))
    await new Promise((resolve) => port.commits.afterDurable(() => resolve(undefined)))
    await settle() // Nothing is in the open slot.
    const offered = port.intake.offerBody(body)
    await port.end()
    expect(offered.kind).toBe("placed")
  })
})
