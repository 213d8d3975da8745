import { encodeUtf8 } from "@postern/log/base"
import { afterEach, describe, expect, test } from "vitest"
import { newDirectory, removeDirectories } from "../disk/slots.test.support.ts"
import { type Policy, parsePolicy } from "../policy/rules/index.ts"
import { live, peer } from "./lives.test.support.ts"
import { regionOf } from "./sequencer/placing.test.support.ts"
import type { BatchOwner } from "./session/index.ts"

afterEach(removeDirectories)

const ignore = () => undefined
const owner: BatchOwner = { durable: ignore, flush: ignore, resume: ignore, superseded: ignore }
const oneTime = "2026-11-22T12:00:00.000Z"
const eventOf = (id: string, some: { time?: string; source?: string; email?: string } = {}) => {
  const { time = oneTime, source = "app://a", email = "ada@example.com" } = some
  const required = { id, time, source, action: "page.get", outcome: "success" }
  const who = { actor: { type: "user", id: "u" }, targets: [] }
  return encodeUtf8(JSON.stringify({ ...required, ...who, data: { email } }))
}

interface Body {
  readonly policy: Policy | undefined
  readonly events: readonly Uint8Array[]
  readonly changed?: 0 | 1
  /** After a restart of the port. */
  readonly later?: boolean
}

/** Posts each of the bodies under its policy, and tells what came of it. */
async function posted(bodies: readonly Body[]) {
  const path = newDirectory()
  const said: string[] = []
  const start = async () => {
    const port = await live(path, 64 * 1024 * 1024)
    const record = port.own.record.bind(port.own)
    port.own.record = (entry) => {
      said.push(entry.action)
      record(entry)
    }
    return port
  }
  let port = await start()
  const offered: unknown[] = []
  let used: Policy | undefined
  for (const { policy, events, changed = 0, later = false } of bodies) {
    if (later) {
      await port.end()
      port = await start()
      used = undefined
    }
    if (policy !== undefined && policy !== used) port.policy.use(policy)
    used = policy
    const region = regionOf(events)
    const more = { changed, tooLarge: [], keptOut: [], adapter: "http" } as const
    const kept = new Set<string>()
    const one = port.intake.offerBody({
      ...{ owner, peer, region, count: events.length, kept, ...more },
    })
    if (one.kind !== "placed") offered.push(one)
    else {
      const refused = one.refused.map(({ code, positions }) => `${code} ${positions}`)
      const duplicates = one.duplicates.map(({ position, index }) => `${position} ${index}`)
      offered.push({ accepted: one.accepted, duplicates, refused })
    }
    await new Promise((resolve) => port.commits.afterDurable(() => resolve(undefined)))
  }
  await port.end()
  return { offered, reused: said.filter((action) => action === "postern.id.reused").length }
}

const redacting =
  "rules: [{ name: a, level: full, transforms: [{ at: /data/email, do: redact }] }]\n"
const personal =
  "rules: [{ name: a, level: full, transforms: [{ at: /data/email, do: personal }] }]\n"
const deduplicating = parsePolicy(
  "rules: [{ name: a, match: { class: read }, level: full, deduplicate: 60 }]\n",
)
const dropping = parsePolicy("rules: [{ name: a, match: { class: read }, level: drop }]\n")
const policy = parsePolicy(redacting)
const [oneFirst, again] = [
  { accepted: 1, duplicates: [], refused: [] },
  { accepted: 0, duplicates: ["0 1"], refused: [] },
]

describe("a body that its sender repeats because the answer was lost", () => {
  test("is recognised where equal events are deduplicated", async () => {
    const one = { policy: deduplicating, events: [eventOf("one")] }
    const { offered } = await posted([one, one])
    expect(offered).toEqual([oneFirst, again])
  })

  test("is recognised where its time was filled in and a value of it is personal", async () => {
    const one = { policy: parsePolicy(personal), changed: 1 } as const
    const { offered, reused } = await posted([
      { ...one, events: [eventOf("one")] },
      { ...one, events: [eventOf("one", { time: "2026-11-22T12:00:01.000Z" })] },
    ])
    expect(offered).toEqual([oneFirst, again])
    expect(reused).toBe(0)
  })

  test("is recognised after a change of the policy that means the same for it", async () => {
    const events = [eventOf("one")]
    const { offered, reused } = await posted([
      { policy, events },
      { policy: parsePolicy(`# reviewed\n${redacting}`), events },
    ])
    expect(offered).toEqual([oneFirst, again])
    expect(reused).toBe(0)
  })

  test("is recognised by its texts after a restart, if the policy changed it", async () => {
    const events = [eventOf("one")]
    const { offered, reused } = await posted([
      { policy, events },
      { policy: parsePolicy(personal), events, later: true },
      { policy: undefined, events, later: true },
    ])
    expect(offered).toEqual([oneFirst, again, again])
    expect(reused).toBe(0)
  })

  test("is recognised so whatever time was filled in, and not if the time is its sender's", async () => {
    const second = eventOf("one", { time: "2026-11-22T12:00:01.000Z" })
    for (const changed of [0, 1] as const) {
      const { offered, reused } = await posted([
        { policy, events: [eventOf("one")], changed },
        { policy, events: [second], changed, later: true },
      ])
      expect(offered).toEqual([oneFirst, changed === 1 ? again : oneFirst])
      expect(reused).toBe(changed === 1 ? 0 : 1)
    }
  })

  test("is recognised by all its bytes after a restart, if the policy left it alone", async () => {
    const { offered, reused } = await posted([
      { policy: undefined, events: [eventOf("one")] },
      { policy, events: [eventOf("one")], later: true },
      { policy, events: [eventOf("one", { email: "bob@example.com" })] },
    ])
    expect(offered).toEqual([oneFirst, again, oneFirst])
    expect(reused).toBe(1)
  })
})

describe("an id with other content", () => {
  test("is stored again, and said to be", async () => {
    const { offered, reused } = await posted([
      { policy, events: [eventOf("one")] },
      { policy, events: [eventOf("one", { email: "bob@example.com" })] },
      { policy, events: [eventOf("one", { source: "app://b" })], later: true },
    ])
    expect(offered).toEqual([oneFirst, oneFirst, oneFirst])
    expect(reused).toBe(2)
  })

  test("is told within one body too, from a copy", async () => {
    const [one, other] = [eventOf("one"), eventOf("one", { email: "bob@example.com" })]
    const { offered, reused } = await posted([{ policy, events: [one, one, other, other] }])
    expect(offered).toEqual([{ accepted: 2, duplicates: ["1 1", "3 2"], refused: [] }])
    expect(reused).toBe(1)
  })
})

describe("what gets no place", () => {
  test("is not remembered: it comes again as if for the first time", async () => {
    const events = [eventOf("one")]
    const { offered, reused } = await posted([
      { policy: dropping, events },
      { policy, events },
      { policy: dropping, events },
    ])
    const notKept = { accepted: 0, duplicates: [], refused: ["EVENT_NOT_KEPT 0"] }
    // Before the entry stands the one that tells of what was not kept.
    expect(offered).toEqual([notKept, oneFirst, { ...again, duplicates: ["0 2"] }])
    expect(reused).toBe(0)
  })

  test("has copies in its body that get none either, and no other event's id is reused by it", async () => {
    const [one, other] = [eventOf("one"), eventOf("one", { source: "app://b" })]
    const dropsOne = parsePolicy(
      'rules: [{ name: a, match: { class: read, source: "app://a" }, level: drop }, { name: b, level: full }]\n',
    )
    const { offered, reused } = await posted([{ policy: dropsOne, events: [one, one, other] }])
    expect(offered).toEqual([{ accepted: 1, duplicates: [], refused: ["EVENT_NOT_KEPT 0,1"] }])
    expect(reused).toBe(0)
  })
})
