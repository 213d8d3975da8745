import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8, formatBase64, formatHex, sha256 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { checkEvidence, type EvidenceDisclosure, streamStatementText } from "@postern/log/evidence"
import { parsePolicy } from "@postern/log/tlog"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { DisclosureSource, Found } from "../disclosures/index.ts"
import { followLog, type LogView } from "../disk/index.ts"
import { origin, WrittenLog } from "../guard/verify/written-log.test.support.ts"
import { type EvidenceAsk, evidenceLines, openBatchSlots, planEvidence } from "./index.ts"

const base = mkdtempSync(join(tmpdir(), "postern-disclosed-"))
const states = new Map<string, Found>()
const source: DisclosureSource = {
  read: async (digest) => states.get(digest) ?? { state: "missing" },
}
let log: WrittenLog
let view: LogView
let stream: number
/** Index of the first event. */
let first: number

const made = (name: string, value: string, salt = "_26bc4LT-ac6q2KI6cBW5es") =>
  encodeDisclosure(salt, name, encodeUtf8(value))
const requestJson = `{"body":"${"x".repeat(200_000)}"}`
const large = made("request", requestJson)
const small = made("labels", '{ "a":1.0 }')
const locked = made("trace", "{}")
const again = made("labels", "2")
const member = made("action", '"other"')
const broken = encodeUtf8('["salt that is too short"]')

const keys = [1, 2].map(() => generateKeyPairSync("ed25519"))
const publicKeys = keys.map(({ publicKey }) => spkiOf(publicKey))

function spkiOf(key: KeyObject): string {
  return formatBase64(key.export({ type: "spki", format: "der" }))
}

const eventWith = (...jsons: readonly Uint8Array[]) =>
  JSON.stringify({ id: "1", action: "file.stored", _sd: jsons.map(disclosureDigest) })

/** Events that name values, in a stream for which two certificates signed. */
beforeAll(async () => {
  for (const json of [large, small, again, member, broken]) {
    states.set(disclosureDigest(json), { state: "held", json })
  }
  states.set(disclosureDigest(locked), { state: "locked" })
  log = await WrittenLog.open(base)
  await log.started()
  stream = log.opened(true, { publicKey: publicKeys[0] })
  first = log.size
  log.batch(stream, [eventWith(large, small), eventWith(locked, small), eventWith()])
  beat(0)
  log.batch(stream, ["refused", "{}"], [0])
  log.own("postern.refused", { ...namesOf(), sequences: [[3, 4]] })
  log.own("postern.stream.continued", { ...namesOf(), publicKey: publicKeys[1] })
  log.batch(stream, [eventWith(small, again), eventWith(member), eventWith(broken)])
  beat(1)
  await log.commit()
  await log.checkpoint()
  view = await followLog(log.path)
})
afterAll(async () => {
  await view.close()
  await log.close()
  rmSync(base, { recursive: true })
})

const namesOf = () => ({ stream: log.streams.get(stream)?.id, writer: "w", open: stream })

function beat(by: number): void {
  const { id = "", next = 0, digest = new Uint8Array(32) } = log.streams.get(stream) ?? {}
  const text = streamStatementText({ origin, stream: id, kind: "beat", next, digest })
  const key = (keys[by] as (typeof keys)[number]).privateKey
  const signature = formatBase64(sign(null, encodeUtf8(text), key))
  log.own("postern.stream.beat", { ...namesOf(), next, digest: formatBase64(digest), signature })
}

async function make(ask: EvidenceAsk, disclosures?: DisclosureSource) {
  const options = disclosures === undefined ? {} : { disclosures }
  const plan = await planEvidence(view, openBatchSlots(log.path), ask, options)
  const told: EvidenceDisclosure[] = []
  const found = await checkEvidence(
    evidenceLines(view, plan),
    parsePolicy(`log ${log.log.vkey}\nquorum none\n`),
    { onDisclosure: (disclosure) => void told.push(disclosure) },
  )
  expect([found.verdict, found.findings]).toEqual(["SIGNED-ONLY", []])
  return { plan, found, told }
}

test("values that can be had are in the file with their leaves, in the order of the digests", async () => {
  const ask = { kind: "indexes", indexes: [first, first + 1, first + 2] } as const
  const { plan, found, told } = await make(ask, source)
  expect(plan.disclosed.count).toBe(3)
  expect(found.counts).toMatchObject({ disclosed: 3, withheld: 1, withholding: 1 })
  expect(told).toEqual([
    { ...{ index: first, name: "request", within: "", left: 1 }, json: requestJson },
    { index: first, name: "labels", within: "", left: 0, json: '{ "a":1.0 }' },
    { index: first + 1, name: "labels", within: "", left: 1, json: '{ "a":1.0 }' },
  ])
})

test("none is there if nobody asked for them", async () => {
  const { plan, found, told } = await make({ kind: "range", first: 0, count: log.size })
  expect([plan.disclosed.count, told]).toEqual([0, []])
  expect(found.counts).toMatchObject({ disclosed: 0, withheld: 8, withholding: 5 })
})

test("a value that makes no sense in its entry is left out, and the rest holds", async () => {
  const { found, told } = await make({ kind: "range", first: 0, count: log.size }, source)
  expect(told.map(({ index, name }) => [index - first, name])).toEqual([
    [0, "request"],
    [0, "labels"],
    [1, "labels"],
    [7, "labels"],
  ])
  expect(found.counts).toMatchObject({ disclosed: 4, withheld: 4, withholding: 4 })
})

test("a value that goes away while the file is made is withheld", async () => {
  let reads = 0
  const fading: DisclosureSource = {
    read: async (digest) => {
      reads += 1
      return reads > 2 ? { state: "missing" } : source.read(digest)
    },
  }
  const { plan, found } = await make({ kind: "indexes", indexes: [first] }, fading)
  expect(plan.disclosed.count).toBe(2)
  expect(found.counts).toMatchObject({ disclosed: 0, withheld: 2 })
})

test("a stream has with it the entry about another certificate, whose key signed the rest", async () => {
  const { found } = await make({ kind: "stream", stream }, source)
  expect(found.claim).toEqual({ open: stream, first: 0, next: 8 })
  expect(found.counts).toMatchObject({ writerSigned: 6, disclosed: 4 })
  const hashes = publicKeys.map((key) => formatHex(sha256(Buffer.from(key, "base64"))))
  expect(found.writerKeys.map((key) => key.sha256).sort()).toEqual(hashes.sort())
})
