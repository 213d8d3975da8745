import fc from "fast-check"
import { expect, test } from "vitest"
import { encodeUtf8 } from "../base/index.ts"
import { disclosureDigest, encodeDisclosure } from "../event/index.ts"
import { parsePolicy } from "../tlog/index.ts"
import { makeFile } from "./evidence-file.test.support.ts"
import { ed25519Writer, logKey, TestLog } from "./evidence-log.test.support.ts"
import { checkEvidence, type EvidenceDisclosure } from "./index.ts"

const policy = parsePolicy(`log ${logKey.vkey}\nquorum none\n`)
const salt = "_26bc4LT-ac6q2KI6cBW5es"

/** Evidence of two entries; the first names these values, of which the file holds some. */
async function check(made: readonly Uint8Array[], kept: readonly Uint8Array[]) {
  const log = new TestLog()
  log.start()
  const stream = log.open("spiffe://example/app", "c3".repeat(16), ed25519Writer(40))
  const [index = 0] = log.batch(stream, 1, { digests: made.map(disclosureDigest) })
  const [plain = 0] = log.batch(stream, 1)
  const note = await log.checkpoint(log.size)
  const disclosures = new Map([[index, kept]])
  const leaves = [index, plain]
  const file = await makeFile(log, { kind: "set", claim: {}, leaves, note, disclosures })
  const told: (EvidenceDisclosure | number)[] = []
  const found = await checkEvidence(file, policy, {
    onLeaf: (leaf) => void told.push(leaf.index),
    onDisclosure: (disclosure) => void told.push(disclosure),
  })
  return { found, told, index, plain }
}

const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("]", '"],["', "\\"),
)
const values = fc
  .tuple(texts, fc.json(), fc.nat({ max: 140_000 }))
  .map(
    ([text, json, more]) =>
      `[${JSON.stringify(text)},${json},"${"x".repeat(more % 3 === 0 ? more : 0)}"]`,
  )

test("every value of any entry is handed on as it was written, after its leaf", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        texts.filter(
          (name) =>
            ![
              "_sd",
              "...",
              "id",
              "time",
              "source",
              "action",
              "outcome",
              "actor",
              "targets",
              "data",
            ].includes(name),
        ),
        { maxLength: 4 },
      ),
      fc.array(values, { minLength: 4, maxLength: 4 }),
      fc.nat(),
      async (names, jsons, which) => {
        const made = names.map((name, i) =>
          encodeDisclosure(salt, name, encodeUtf8(jsons[i] as string)),
        )
        const isKept = (_: unknown, i: number) => ((which >> i) & 1) === 1
        const { found, told, index, plain } = await check(made, made.filter(isKept))
        const disclosed = names.filter(isKept).length
        const withheld = names.length - disclosed
        expect(found).toMatchObject({ verdict: "SIGNED-ONLY", findings: [] })
        expect(found.counts).toMatchObject({
          disclosed,
          withheld,
          withholding: withheld > 0 ? 1 : 0,
        })
        const wanted = names
          .map((name, i) => ({ index, name, within: "", json: jsons[i] }))
          .filter(isKept)
          .map((one, i) => ({ ...one, left: names.length - i - 1 }))
        expect(told).toEqual([index, ...wanted, plain])
      },
    ),
    { numRuns: 60 },
  )
})

test("white space around the value is not the value's, its numbers and members stay as they were", async () => {
  const value = '{ "a":12345678901234567890, "a":1.0 }'
  const json = encodeUtf8(`\n[ "\\u005f${salt.slice(1)}" , "\\"d\\\\" ,\t${value}\r\n] `)
  const { told, index } = await check([json], [json])
  expect(told[1]).toEqual({ index, name: '"d\\', within: "", json: value, left: 0 })
})

test("a value of 8 MiB is checked; one byte more is more than a verifier takes", async () => {
  const around = `["${salt}","reason",""]`.length
  const ofBytes = (bytes: number) =>
    encodeDisclosure(salt, "reason", encodeUtf8(`"${"x".repeat(bytes - around)}"`))
  const [most, more] = [ofBytes(8_388_608), ofBytes(8_388_609)]
  expect((await check([most], [most])).found.counts.disclosed).toBe(1)
  const { found } = await check([more], [more])
  expect(found).toMatchObject({ verdict: "UNKNOWN", findings: [{ code: "limit" }] })
})
