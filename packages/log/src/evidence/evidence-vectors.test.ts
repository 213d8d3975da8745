/** docs/spec/vectors/evidence: what is checked in is what the code makes, and what the index says of it. */
import { readdirSync, readFileSync } from "node:fs"
import { beforeAll, expect, test } from "vitest"
import { parsePolicy } from "../tlog/index.ts"
import { type EvidenceVectors, makeVectors } from "./evidence-vectors.test.support.ts"
import { checkEvidence } from "./index.ts"

const directory = new URL("../../../../docs/spec/vectors/evidence/", import.meta.url)
let made: EvidenceVectors

beforeAll(async () => {
  made = await makeVectors()
})

test("every file has the verdict, the finding and the senders that the index says", async () => {
  const wrong: unknown[] = []
  for (const { file, policy, verdict, finding, counts } of made.vectors) {
    const trusted = parsePolicy(made.policies[policy] as string)
    const found = await checkEvidence(readFileSync(new URL(file, directory)), trusted)
    const [first] = found.findings
    const same = found.verdict === verdict && first?.code === finding
    const tally = found.counts
    const named = Object.entries(counts ?? {}) as [keyof typeof tally, number][]
    if (same && named.every(([name, count]) => tally[name] === count)) continue
    wrong.push({
      file,
      policy,
      verdict: found.verdict,
      first,
      tally,
      wanted: { verdict, finding, counts },
    })
  }
  expect(wrong).toEqual([])
})

test("what is checked in is what is made: node tools/evidence-vectors.ts writes it", () => {
  const index = JSON.parse(readFileSync(new URL("index.json", directory), "utf8"))
  expect(index).toEqual({ policies: made.policies, files: made.vectors })
  const names = readdirSync(directory).filter((name) => name !== "index.json")
  expect(names.sort()).toEqual([...made.files.keys()].sort())
  for (const [name, bytes] of made.files) {
    const held = readFileSync(new URL(name, directory))
    // What a packer makes of the same bytes may change with its version; the verdicts are the same.
    const isPacked = bytes[0] === 0x1f && held[0] === 0x1f
    if (!isPacked) expect(new Uint8Array(held), name).toEqual(new Uint8Array(bytes))
  }
})
