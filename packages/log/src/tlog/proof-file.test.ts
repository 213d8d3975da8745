import { describe, expect, test } from "vitest"
import { encodeUtf8, formatBase64 } from "../base/index.ts"
import {
  checkProofFile,
  formatCheckpoint,
  formatNote,
  formatProofFile,
  inclusionProof,
  leafHash,
  parseNote,
  parsePolicy,
  parseProofFile,
  rangeRoot,
  signCosignature,
  signNote,
} from "./index.ts"
import { signerOf, witnessOf } from "./signer.test.support.ts"

const leaves = Array.from({ length: 7 }, (_, i) => encodeUtf8(`entry ${i}`))
const row = new Uint8Array(leaves.flatMap((leaf) => [...leafHash(leaf)]))
const [log, witness] = [signerOf("a.example/log", 1), witnessOf("w.example/1", 2)]
const policy = parsePolicy(`log ${log.vkey}\nwitness w ${witness.vkey}\nquorum w\n`)
const invalid = expect.objectContaining({ code: "PROOF_INVALID" })

async function cosignedNote(): Promise<string> {
  const text = formatCheckpoint({ origin: log.name, size: 7, root: rangeRoot(0, row) })
  const { signatures } = parseNote(await signNote(text, log))
  return formatNote({
    text,
    signatures: [...signatures, await signCosignature(text, 1, witness)],
  })
}

function proofOf(index: number): Promise<Uint8Array[]> {
  return inclusionProof(index, 7, (_level, from, to) => row.subarray(32 * from, 32 * to))
}

describe("a proof file", () => {
  test("of each entry is written, read and checks, with its witnesses", async () => {
    const note = await cosignedNote()
    for (const [index, leaf] of leaves.entries()) {
      const text = formatProofFile({ index, proof: await proofOf(index), note })
      expect(text).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex [0-6]\n/)
      const file = parseProofFile(text)
      expect(formatProofFile(file)).toBe(text)
      const opened = await checkProofFile(file, leaf, policy)
      expect(opened).toMatchObject({ cosigned: ["w"], quorumMet: true })
    }
  })

  test("keeps extra bytes, which it does not prove", async () => {
    const note = await cosignedNote()
    const extra = Uint8Array.of(1, 2, 3)
    const text = formatProofFile({ index: 0, proof: [], note, extra })
    expect(text).toContain("@v1\nextra AQID\nindex 0\n\na.example/log\n")
    expect(parseProofFile(text).extra).toEqual(extra)
  })

  test("does not check for another entry, index or policy", async () => {
    const note = await cosignedNote()
    const file = { index: 3, proof: await proofOf(3), note }
    const entry = (i: number) => leaves[i] ?? new Uint8Array()
    await expect(checkProofFile(file, entry(2), policy)).rejects.toThrow(invalid)
    await expect(checkProofFile({ ...file, index: 2 }, entry(3), policy)).rejects.toThrow(invalid)
    await expect(checkProofFile({ ...file, index: 7 }, entry(3), policy)).rejects.toThrow(invalid)
    const foreign = parsePolicy(`log ${signerOf("a.example/log", 3).vkey}\nquorum none\n`)
    const opened = checkProofFile(file, entry(3), foreign)
    await expect(opened).rejects.toThrow(expect.objectContaining({ code: "NOTE_INVALID" }))
  })

  const hashLine = formatBase64(new Uint8Array(32))
  test.each([
    "",
    "c2sp.org/tlog-proof@v1\nindex 0\n",
    "c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n",
    "c2sp.org/tlog-proof@v1\n\nnote\n",
    "c2sp.org/tlog-proof@v1\nindex 00\n\nnote\n",
    "c2sp.org/tlog-proof@v1\nindex 0 \n\nnote\n",
    "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nnote\n",
    "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nnote\n",
    "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nnote\n",
    "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\nnote\n",
    "c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 0\n\nnote\n",
    `c2sp.org/tlog-proof@v1\nindex 0\n${`${hashLine}\n`.repeat(64)}\nnote\n`,
    " c2sp.org/tlog-proof@v1\nindex 0\n\nnote\n",
  ])("is refused: %j", (text) => {
    expect(() => parseProofFile(text)).toThrow(invalid)
  })
})
