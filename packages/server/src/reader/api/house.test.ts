import { expect, test } from "vitest"
import { keepEverything, parsePolicy } from "../../policy/rules/index.ts"
import { openDesk, peerOf } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"
import type { HouseView } from "./index.ts"

const app = "spiffe://postern.test/writer/app"

async function openHouse(changes: Partial<HouseView> = {}) {
  const log = new FakeLog()
  log.fill(30)
  await log.publish()
  log.witness()
  return openDesk(log, {}, undefined, undefined, undefined, undefined, changes)
}

test("writers: what the log says of each, beside its line; those without either, too", async () => {
  const { json, api, records } = await openHouse()
  const { complete, writers } = await json("/v1/writers")
  expect(complete).toBe(true)
  expect(writers.map(({ id }: { id: string }) => id)).toEqual([
    app,
    "spiffe://postern.test/writer/quiet",
  ])
  expect(writers[0]).toMatchObject({
    ...{ entries: 30, streams: 1, silent: false, gaps: 0, losses: 0, certificate: null },
    ...{ owner: "payments", expires: Date.UTC(2030, 0) * 1000, addresses: [] },
    grant: { adapters: ["postern"], sources: ["app://*"], actions: ["*"] },
  })
  expect(writers[1]).toMatchObject({
    ...{ entries: 0, lastSeen: null, owner: null, expires: null },
    grant: { eventsPerSecond: 10 },
  })
  expect(records).toEqual([])
  expect(api.counters.surveys).toBe(1)
})

test("port: what is not known is null, not zero", async () => {
  const { json } = await openHouse()
  expect(await json("/v1/port")).toMatchObject({
    ...{ doctor: { at: null, checks: [] }, ready: null, sessions: null, ackMs: null, refusals: [] },
    disk: { usedBytes: 8192, freeBytes: 1_000_000_000 },
    witnesses: [],
  })
})

test("port: its own word, the doctor's, and a disk that cannot be measured", async () => {
  const check = { id: "port.owner", severity: "high", status: "fail", evidence: "x", fix: "y" }
  const { json } = await openHouse({
    port: async () => ({
      ready: { ok: true, lines: ["ready"] },
      ...{ sessions: 3, ackMs: { p50: 1.5, p99: 9 }, policy: { rules: [], detected: [] } },
    }),
    doctor: async () => ({ at: 5, checks: [check] }),
    storage: async () => ({ segments: [], usedBytes: 0, freeBytes: -1 }),
  })
  expect(await json("/v1/port")).toMatchObject({
    ...{ sessions: 3, ackMs: { p50: 1.5, p99: 9 }, ready: { ok: true, lines: ["ready"] } },
    ...{ doctor: { at: 5, checks: [check] }, disk: null },
  })
})

test("policy: its rules in order with what each did, and what rules did that are gone", async () => {
  const policy = parsePolicy(`rules:
  - { name: reads, match: { class: read, size: { max: 9 } }, level: drop }
  - name: all
    level: request
    sample: 0.5
    deduplicate: 60
    transforms: [{ at: /data/a, do: truncate, bytes: 16 }, { at: /data/*/b, do: personal }]
classes: { read: [a.b] }
detect: { secrets: redact, allow: [/data/x] }
`)
  const did = { dropped: 2, cut: 1 }
  const figures = {
    rules: [
      { rule: "all", events: 9, did, bytesSaved: -4 },
      { rule: "gone", events: 1, did: {}, bytesSaved: 0 },
      { rule: "(none)", events: 2, did: {}, bytesSaved: 0 },
    ],
    detected: [{ writer: app, detector: "jwt", events: 5 }],
  }
  const lines = ["ready", "policy: the old one stays: line 3: rules"]
  const { json } = await openHouse({
    policy: async () => policy,
    port: async () => ({
      ...{ ready: { ok: true, lines }, sessions: null, ackMs: null, policy: figures },
    }),
  })
  expect(await json("/v1/policy")).toEqual({
    policy: {
      digest: policy.digest,
      rules: [
        {
          ...{ name: "reads", match: { class: ["read"], size: { max: 9 } }, level: "drop" },
          ...{ sample: null, deduplicate: null, transforms: [] },
          figures: { events: 0, did: {}, bytesSaved: 0 },
        },
        {
          ...{ name: "all", match: {}, level: "request", sample: 0.5, deduplicate: 60 },
          transforms: [
            { at: "/data/a", do: "truncate", bytes: 16 },
            { at: "/data/*/b", do: "personal", subject: "/actor/id" },
          ],
          figures: { events: 9, did, bytesSaved: -4 },
        },
      ],
      unmatched: "metadata",
      classes: { read: ["a.b"], change: [], system: [] },
      detect: expect.objectContaining({
        ...{ groups: expect.objectContaining({ secrets: "redact" }), allow: ["/data/x"] },
        ...{ packs: [], patterns: [] },
      }),
    },
    refused: "line 3: rules",
    besides: [
      { rule: "gone", events: 1, did: {}, bytesSaved: 0 },
      { rule: "(none)", events: 2, did: {}, bytesSaved: 0 },
    ],
    detected: figures.detected,
  })
})

test("policy: what is not known is null", async () => {
  const { json } = await openHouse({ policy: async () => keepEverything })
  expect(await json("/v1/policy")).toEqual({
    policy: expect.objectContaining({ rules: [], unmatched: "full", detect: null }),
    ...{ refused: null, besides: [], detected: null },
  })
  const none = await openHouse()
  expect(await none.json("/v1/policy")).toMatchObject({ policy: null })
})

test("access: everybody's line with what a review would ask, to an auditor", async () => {
  const { json } = await openHouse({
    review: async () => ({ due: "2026-12-01", state: "open", answered: 2, of: 5 }),
  })
  const { digest, identities, revoked, review } = await json("/v1/access")
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  const flags = Object.fromEntries(
    identities.map((one: { id: string; flags: string[] }) => [one.id.split("/").at(-1), one.flags]),
  )
  expect(flags).toEqual({
    ...{ app: ["wildcard"], quiet: ["ownerless", "unused"], admin: ["unused"] },
    ...{ auditor: ["ownerless", "unused"], monitor: ["expired", "ownerless", "unused"] },
    investigator: ["ownerless", "unused"],
  })
  expect(identities[0]).toMatchObject({
    id: app,
    role: "writer",
    owner: "payments",
    reason: "SEC-17",
  })
  expect(identities[2]).toMatchObject({ role: "reader", grant: { see: "auditor" } })
  expect(identities[4]).toMatchObject({ role: "operator", grant: null })
  expect(revoked).toEqual([{ serial: "abc", reason: "laptop lost" }])
  expect(review).toEqual({ due: "2026-12-01", state: "open", answered: 2, of: 5 })
})

test("access: an investigator sees its own line, and nobody else's", async () => {
  const review = async () => ({ due: "2026-12-01", state: "open", answered: 2, of: 5 }) as const
  const { json } = await openHouse({ review })
  const { id } = peerOf("investigator")
  expect(await json("/v1/access", 200, "investigator")).toMatchObject({
    identities: [{ id, grant: { see: "investigator", query: "data.department:payroll" } }],
    ...{ revoked: [], review: null },
  })
})

test.each(["/v1/writers", "/v1/port", "/v1/policy"])(
  "%s is nothing for an investigator",
  async (path) => {
    const { ask } = await openHouse()
    expect((await ask(path, "investigator")).status).toBe(403)
  },
)

test("log: tree, key and storage, to a monitor as well", async () => {
  const { json, log } = await openHouse({ vkey: async () => "the key" })
  const size = log.head().size
  expect(await json("/v1/log", 200, "monitor")).toMatchObject({
    ...{ origin: log.origin, size, vkey: "the key", witnesses: [] },
    keys: [{ vkey: "the key", from: 0, to: null }],
    segments: [{ first: 0, entries: size, bytes: 4096 }],
  })
})

test("log: which key signed which trees, as the log's entries say", async () => {
  const { json, log } = await openHouse({ vkey: async () => "c" })
  const line = (index: number, action: string, data: object) => {
    const stamp = '{"r":1,"o":0,"q":1,"n":"AAAAAAAAAAAAAAAAAAAAAA"}'
    const leaf = Buffer.from(`${stamp}\n${JSON.stringify({ action, data })}`).toString("base64")
    return `${JSON.stringify({ key: { note: "", index, leaf, path: [] } })}\n`
  }
  log.keysText =
    line(10, "postern.key.rolled", { old: "a", new: "b", reason: "planned" }) +
    line(15, "postern.key.retired", { vkey: "a" }) +
    line(20, "postern.key.rolled", { old: "b", new: "c", reason: "compromised" })
  expect((await json("/v1/log")).keys).toEqual([
    { vkey: "a", from: 0, to: 15 },
    { vkey: "b", from: 11, to: 20 },
    { vkey: "c", from: 21, to: null },
  ])
  log.keysText = "nonsense\n"
  expect(await json("/v1/log", 500)).toMatchObject({ code: "LOG_DAMAGED" })
})

test.each(["/v1/writers", "/v1/port", "/v1/access"])(
  "%s is nothing for a monitor",
  async (path) => {
    const { ask } = await openHouse()
    expect((await ask(path, "monitor")).status).toBe(403)
    expect((await ask(`${path}?x=1`)).status).toBe(400)
  },
)
