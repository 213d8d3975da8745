import { gunzipSync } from "node:zlib"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { parseQuery } from "@postern/log/query"
import { expect, test } from "vitest"
import { checkAnswer, openDesk } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"
import { mayGoOn } from "./joined.ts"
import type { Route } from "./route.ts"

/**
 * An investigator is asked to find out something of entries that its query does not show: every documented route, in many
 * ways. Nothing of them may stand in an answer, in whatever spelling: rows, errors, headers, counts, completions.
 */
const secrets = [
  ...["actor", "target", "action", "source", "kind", "value", "key", "writer", "id", "disclosed"],
].map((part) => `zq${part}7`)
const secretEntries = 131
const ownEntries = 7

const disclosureOf = (text: string) =>
  encodeDisclosure("A".repeat(22), "data", encodeUtf8(JSON.stringify({ body: text })))
const hidden = disclosureOf("zqdisclosed7")
const shown = disclosureOf("the department's own")

function fillLog(log: FakeLog): void {
  const secret = (i: number) => ({
    ...{ action: "zqaction7", source: "app://zqsource7", id: `zqid7-${i}` },
    actor: { type: "zqkind7", id: "zqactor7" },
    targets: [{ type: "zqkind7", id: "zqtarget7" }],
    data: { department: "other", zqkey7: "zqvalue7", deep: { department: "payroll" } },
    _sd: [disclosureDigest(hidden)],
  })
  const own = (i: number) => ({
    ...{ action: "salary.changed", actor: { type: "user", id: `clerk-${i % 2}` } },
    data: { department: "payroll", i },
    _sd: [disclosureDigest(shown)],
  })
  for (let i = 0; i < secretEntries; i++) {
    log.append([secret(i)], "spiffe://postern.test/writer/zqwriter7")
    if (i % 20 === 19) log.append([own(i)], "spiffe://postern.test/writer/payroll")
  }
  log.append([own(1)], "spiffe://postern.test/writer/payroll")
}

/** @param share of the log that the index holds; the rest is scanned */
async function openSecretLog(share = 0) {
  const log = new FakeLog()
  fillLog(log)
  await log.publish()
  log.witness()
  const values = new Map([hidden, shown].map((json) => [disclosureDigest(json), json]))
  const read = async (digest: string) => {
    const json = values.get(digest)
    return json === undefined ? ({ state: "missing" } as const) : ({ state: "held", json } as const)
  }
  const indexed = Math.floor(log.all.length * share)
  const limits = { heartbeatMs: 20, indexWaitMs: 0 }
  const none = undefined
  const desk = openDesk(log, limits, none, none, { read }, none, none, indexed)
  const visible = [...log.all.keys()].filter((i) => {
    const [, event = "{}"] = Buffer.from(log.all[i] as Uint8Array)
      .toString()
      .split("\n")
    return JSON.parse(event).data?.department === "payroll"
  })
  return { desk, log, visible }
}

/** Beginnings of what is secret, and questions that would find it for anybody else. */
const queries = [
  ...["", "zq*", "action:zq*", "actor:*", "actor:zq*", "target:zq*", "source:app*", "writer:*"],
  ...["data.department:other", "data.deep.department:payroll", "NOT data.department:payroll"],
  "data.department:payroll OR data.department:other",
  "data.department:payroll OR NOT data.department:payroll",
  ...["index:>0", "received:>2000-01-01", "outcome:success", "-department", "department"],
]
const carets = ["", "actor:", "actor:z", "action:", "target:", "writer:", "source:", "data.", "z"]

const encode = (params: Record<string, string>) => `?${new URLSearchParams(params)}`
const times = { since: "2026-11-22T00:00:00Z", until: "2026-11-23T00:00:00Z" }
const asked = (path: string, ...more: Record<string, string>[]) =>
  queries.flatMap((q) => more.map((one) => path + encode(q === "" ? one : { q, ...one })))

/** Questions for every operation of the document; one that takes parameters and is not here fails the test. */
function questionsOf(route: Route, visible: readonly number[], size: number): string[] {
  const some = [0, 1, 2, 3, 100, size - 2, size - 1, size, ...visible]
  const digests = [hidden, shown].map((json) => disclosureDigest(json))
  const ways: Record<string, () => string[]> = {
    getEntryBundle: () => ["/tile/entries/000", "/tile/entries/001.p/3"],
    getHashTile: () => ["/tile/0/000", "/tile/0/000.p/9", "/tile/1/000.p/3"],
    getEntry: () => some.map((i) => `/v1/entries/${i}`),
    getDisclosure: () =>
      some.flatMap((i) => digests.map((digest) => `/v1/entries/${i}/disclosures/${digest}`)),
    listEntries: () =>
      ["", "?limit=1000", "?from=3&to=9", "?from=100&limit=1000", encode(times)].map(
        (query) => `/v1/entries${query}`,
      ),
    proveInclusion: () => some.map((i) => `/v1/proof/inclusion?index=${i}&size=${size}`),
    proveConsistency: () => [`/v1/proof/consistency?from=3&to=${size}`],
    search: () => [
      ...asked("/v1/search", {}, { limit: "1000" }, { order: "asc" }, times),
      ...asked("/v1/search", { scan: "1" }, { prove: "1" }),
    ],
    tail: () => asked("/v1/tail", { after: "-1" }),
    makeEvidence: () => [
      ...asked("/v1/evidence", {}, times, { disclosed: "true" }),
      ...some.map((i) => `/v1/evidence?index=${i}&disclosed=true`),
      ...[`index=${visible.join(",")},2`, `index=${visible.join(",")}`, "first=0&count=20"].map(
        (query) => `/v1/evidence?${query}`,
      ),
      ...["/v1/evidence?open=1", `/v1/evidence?stream=${"0".repeat(32)}`],
    ],
    histogram: () => asked("/v1/histogram", {}, times, { buckets: "1000" }),
    facets: () => asked("/v1/facets", {}, { top: "100" }, times),
    complete: () => carets.map((q) => `/v1/complete${encode({ q, at: String(q.length) })}`),
    followSlots: () => ["/v1/log/slots", "/v1/log/slots?from=0"],
    confirmMirror: () => [
      `/v1/log/agreement?session=00000000-0000-4000-8000-000000000000&size=1&root=${"0".repeat(64)}`,
    ],
  }
  const way = ways[route.operation]
  if (way !== undefined) return way()
  const parameters = [...Object.keys(route.query.shape), ...Object.keys(route.inPath ?? {})]
  expect(parameters, `how is ${route.operation} asked for?`).toEqual([])
  return [route.path]
}

/** Whatever comes of an answer: a tail until what was there is proven, an evidence file unpacked. */
async function everythingOf(answer: Response): Promise<string> {
  const headers = JSON.stringify([...answer.headers])
  const type = answer.headers.get("content-type") ?? ""
  if (!type.startsWith("text/event-stream")) {
    const bytes = Buffer.from(await answer.arrayBuffer())
    return headers + (type === "application/gzip" ? gunzipSync(bytes) : bytes).toString("latin1")
  }
  let text = headers
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
  for (let frames = 0; frames < 4 && !text.includes("event: checkpoint"); frames++) {
    const { value } = await reader.read()
    text += Buffer.from(value ?? []).toString("latin1")
  }
  await reader.cancel()
  return text
}

/** A secret as it is, in hexadecimal, and in base64 wherever it begins. */
const spellings = secrets.flatMap((secret) => {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64")
    return text.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + bytes.length) * 8) / 6) - 1)
  })
  return [secret, bytes.toString("hex"), ...base64]
})

/** All numbers that stand under a name that counts. */
function countsOf(text: string): number[] {
  const found = text.matchAll(/"(?:count|total|entries|success|denied|failure|others?)":(\d+)/g)
  return [...found].map(([, digits]) => Number(digits))
}

test("the secrets would be found: an auditor is shown each of them, and how often", async () => {
  const { desk, visible } = await openSecretLog(1)
  for (const path of ["/v1/histogram", "/v1/facets", "/v1/complete?q=actor:&at=6"]) {
    const text = await everythingOf(await desk.ask(path))
    expect(Math.max(...countsOf(text)), path).toBeGreaterThan(ownEntries)
  }
  expect(visible).toHaveLength(ownEntries)
  const whole = await everythingOf(await desk.ask("/v1/entries?limit=1000"))
  const file = await everythingOf(await desk.ask("/v1/evidence?index=5&disclosed=true"))
  for (const secret of secrets.slice(0, -1)) expect(whole).toContain(secret)
  expect(spellings.filter((spelling) => file.includes(spelling)).length).toBeGreaterThan(5)
})

const shares = [["nothing", 0] as const, ["a half", 0.5] as const, ["all", 1] as const]

test.each(shares)(
  "no route gives an investigator a byte of what its query does not show, nor a count of it: with %s indexed",
  async (_, share) => {
    const { desk, log, visible } = await openSecretLog(share)
    const size = log.head().size
    let answered = 0
    for (const route of desk.api.routes) {
      for (const path of questionsOf(route, visible, size)) {
        const answer = await desk.ask(path, "investigator")
        if (answer.status === 200) answered++
        const everything = await everythingOf(answer)
        for (const spelling of spellings) expect(everything.includes(spelling), path).toBe(false)
        if (!/^\/v1\/(?:histogram|facets|complete)/.test(path) || answer.status !== 200) continue
        for (const count of countsOf(everything))
          expect(count, path).toBeLessThanOrEqual(ownEntries)
      }
    }
    expect(answered).toBeGreaterThan(100)
  },
)

test("it does see what its query shows, with proofs", async () => {
  const { desk, visible } = await openSecretLog()
  const [first = 0] = visible
  const one = await desk.json(`/v1/entries/${first}`, 200, "investigator")
  expect(one).toMatchObject({ entry: { index: first }, opening: {}, inclusion: {} })
  const list = await desk.json("/v1/entries?from=100&limit=1000", 200, "investigator")
  const indexes = list.entries.map(({ index }: { index: number }) => index)
  expect(indexes).toEqual(visible.filter((i) => i >= 100 && i < 1100))
  expect(list).toMatchObject({ from: 100, to: list.size })
  const path = `/v1/entries/${first}/disclosures/${disclosureDigest(shown)}`
  expect(await (await desk.ask(path, "investigator")).text()).toContain("the department's own")
  const evidence = `/v1/evidence?index=${visible.join(",")}&disclosed=true`
  const file = await everythingOf(await desk.ask(evidence, "investigator"))
  expect(file).toContain(`"count":${ownEntries}`)
})

test("evidence of a search says which question it answers: the grant's query is part of it", async () => {
  const { desk } = await openSecretLog()
  const file = await everythingOf(await desk.ask("/v1/evidence?q=actor:clerk-1", "investigator"))
  const query = "data.department:payroll AND actor:clerk-1"
  expect(JSON.parse(/\{.*/.exec(file.split("\n")[0] ?? "")?.[0] ?? "{}")).toMatchObject({
    claim: { query },
  })
})

test.each([
  ["/tile/entries/000", 403],
  ["/v1/log/slots", 403],
  ["/v1/evidence?first=0&count=5", 403],
  ["/v1/evidence?open=1", 403],
  ["/v1/entries/2", 404],
  ["/v1/entries/2/disclosures/x", 404],
  ["/v1/evidence?index=2", 404],
  ["/tile/0/000.p/9", 200],
  ["/checkpoint", 200],
  ["/v1/log", 200],
  ["/v1/status", 200],
])("%s is answered to an investigator with %i", async (path, status) => {
  const { desk } = await openSecretLog()
  const answer = await desk.ask(path, "investigator")
  expect(answer.status).toBe(status)
  await checkAnswer(desk.api.routes, path, answer)
})

test("an answer that goes on ends when the query of its grant becomes another", () => {
  const grant = (text?: string) =>
    text === undefined
      ? ({ id: "x", see: "auditor" } as const)
      : ({ id: "x", see: "investigator", query: parseQuery(text) } as const)
  expect(mayGoOn(grant("actor:a"), grant("actor:a"))).toBe(true)
  expect(mayGoOn(grant("actor:a"), grant())).toBe(true)
  expect(mayGoOn(grant("actor:a"), grant("actor:b"))).toBe(false)
  expect(mayGoOn(grant(), grant("actor:a"))).toBe(false)
  expect(mayGoOn(grant("actor:a"), { id: "x", see: "monitor" })).toBe(false)
  expect(mayGoOn(grant("actor:a"), undefined)).toBe(false)
})
