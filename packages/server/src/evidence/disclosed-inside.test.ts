import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { checkEvidence, type EvidenceDisclosure } from "@postern/log/evidence"
import { parsePolicy } from "@postern/log/tlog"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { DisclosureSource } from "../disclosures/index.ts"
import { followLog, type LogView } from "../disk/index.ts"
import { WrittenLog } from "../guard/verify/written-log.test.support.ts"
import { evidenceLines, openBatchSlots, planEvidence } from "./index.ts"

const base = mkdtempSync(join(tmpdir(), "postern-disclosed-inside-"))
let log: WrittenLog
let view: LogView
let index: number

const salt = "A".repeat(22)
const inner = encodeDisclosure(salt, "street", encodeUtf8('"12 Rue"'))
const outer = encodeDisclosure(salt, "data", encodeUtf8(`{"_sd":["${disclosureDigest(inner)}"]}`))
const element = encodeDisclosure(salt, undefined, encodeUtf8('"x"'))

/** An event that the policy has sealed: a member, an element, and a value inside the member's. */
beforeAll(async () => {
  log = await WrittenLog.open(base)
  await log.started()
  const stream = log.opened(true)
  index = log.size
  const origin = { list: [0, { "...": disclosureDigest(element) }] }
  const head = { _policy: { sealed: 3 }, id: "1", action: "a.b" }
  log.batch(stream, [JSON.stringify({ ...head, _sd: [disclosureDigest(outer)], origin })])
  await log.commit()
  await log.checkpoint()
  view = await followLog(log.path)
})
afterAll(async () => {
  await view.close()
  await log.close()
  rmSync(base, { recursive: true })
})

async function make(...values: readonly Uint8Array[]) {
  const disclosures: DisclosureSource = {
    read: async (digest, at) => {
      const json = values.find((one) => disclosureDigest(one) === digest)
      return json === undefined || at !== index ? { state: "erased" } : { state: "held", json }
    },
  }
  const ask = { kind: "indexes", indexes: [index] } as const
  const plan = await planEvidence(view, openBatchSlots(log.path), ask, { disclosures })
  const told: EvidenceDisclosure[] = []
  const found = await checkEvidence(
    evidenceLines(view, plan),
    parsePolicy(`log ${log.log.vkey}\nquorum none\n`),
    { onDisclosure: (disclosure) => void told.push(disclosure) },
  )
  expect([found.verdict, found.findings]).toEqual(["SIGNED-ONLY", []])
  const { disclosed, withheld } = found.counts
  expect([disclosed, plan.disclosed.count]).toEqual([told.length, told.length])
  return { told: told.map(({ within, name, left }) => [within, name, left]), withheld }
}

test("values inside an event and inside its values are in the file, each behind the one that names it", async () => {
  const { told, withheld } = await make(inner, outer, element)
  expect(withheld).toBe(0)
  expect(told).toHaveLength(3)
  expect(told).toContainEqual(["/origin/list", "1", expect.any(Number)])
  const names = told.map(([, name]) => name)
  expect(names.indexOf("data")).toBeLessThan(names.indexOf("street"))
})

test("of what is gone nothing is there that only it names", async () => {
  expect(await make(inner, element)).toEqual({ told: [["/origin/list", "1", 1]], withheld: 1 })
  const { told, withheld } = await make(outer)
  expect([told.map(([, name]) => name), withheld]).toEqual([["data"], 2])
})
