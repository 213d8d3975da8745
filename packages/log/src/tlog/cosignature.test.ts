import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decodeUtf8, formatHex } from "../base/index.ts"
import {
  checkCosignature,
  cosignatureMessage,
  decodeCosignature,
  encodeCosignature,
  formatNote,
  formatSignatureLines,
  formatWitnessVkey,
  openCosignedCheckpoint,
  parseNote,
  parsePolicy,
  parseSignatureLines,
  parseWitnessVkey,
  signCosignature,
  signNote,
} from "./index.ts"
import { signerOf, witnessOf } from "./signer.test.support.ts"

interface Vectors {
  vkeys: { vkey: string; name: string; keyId: string; publicKey: string; algorithm: string }[]
  badVkeys: { name: string; vkey: string }[]
  checkpoints: {
    name: string
    policy: string
    note: string
    cosigned: string[]
    times: number[]
    quorumMet: boolean
  }[]
  badCheckpoints: { name: string; policy: string; note: string }[]
  messages: { name: string; note: string; vkey: string; time: number; message: string }[]
  badMessages: { name: string; note: string; vkey: string }[]
}

const url = new URL("../../../../docs/spec/vectors/cosignatures.json", import.meta.url)
const vectors = JSON.parse(readFileSync(url, "utf8")) as Vectors
const invalid = expect.objectContaining({ code: "NOTE_INVALID" })

/** The note that Go's sumdb/note made and verified: one leaf, `hello`, cosigned once. */
const golden = `postern.example/log
1
iipcm3aIJ95alVLDigRMZpWcaPbS8htSYK9U0vh9uCc=

— postern.example/log /f+7WwIiugXZ3MDaNEyd8oh+otNouNSjji5lCi8ocW/9mAouyeZzSdcmC9vwN6IXznET8B3Onm/kdXm56b6Ge6137Qs=
— witness.example/w1 3xwKNQAAAABlU/EA3KTJbVa08HYoVBTIRC5qW12gyWr9BWpUEhlKEc7AYhfMoO5S/e7A9A627I03nff52JbGHgM19BcUBnajUXTPCg==
`

describe("verifier keys of witnesses", () => {
  test.each(vectors.vkeys)("$name, $algorithm", ({ vkey, name, keyId, publicKey, algorithm }) => {
    const parsed = parseWitnessVkey(vkey)
    expect(parsed).toMatchObject({ name, keyId: Number.parseInt(keyId, 16), algorithm })
    expect(formatHex(parsed.publicKey)).toBe(publicKey)
    if (algorithm === "ed25519") expect(formatWitnessVkey(name, parsed.publicKey)).toBe(vkey)
  })

  test.each(vectors.badVkeys)("are refused: $name", ({ vkey }) => {
    expect(() => parseWitnessVkey(vkey)).toThrow(invalid)
  })
})

describe("a cosigned checkpoint", () => {
  test("is the one that another implementation made, byte for byte", async () => {
    const [log, witness] = [signerOf("postern.example/log", 1), witnessOf("witness.example/w1", 2)]
    const [text = ""] = golden.split("\n\n")
    const signed = parseNote(await signNote(`${text}\n`, log))
    const cosignature = await signCosignature(`${text}\n`, 1_700_000_000, witness)
    const signatures = [...signed.signatures, cosignature]
    expect(formatNote({ text: `${text}\n`, signatures })).toBe(golden)
    expect(vectors.checkpoints[0]?.note).toBe(golden)
  })

  test.each(vectors.checkpoints)("opens: $name", async ({ policy, note, ...expected }) => {
    const opened = await openCosignedCheckpoint(note, parsePolicy(policy))
    expect(opened.cosigned).toEqual(expected.cosigned)
    expect([...opened.times.values()]).toEqual(expected.times)
    expect(opened.quorumMet).toBe(expected.quorumMet)
    expect(opened.checkpoint).toMatchObject({ origin: "postern.example/log", size: 1 })
    expect(opened.logVkey).toBe(signerOf("postern.example/log", 1).vkey)
  })

  test.each(vectors.badCheckpoints)("does not open: $name", async ({ policy, note }) => {
    await expect(openCosignedCheckpoint(note, parsePolicy(policy))).rejects.toThrow(invalid)
  })

  test("opens under the key of several that signed it", async () => {
    const [old, young] = [signerOf("a.example/log", 1), signerOf("a.example/log", 2)]
    const text = golden.slice(0, golden.indexOf("\n\n") + 1).replace("postern.example", "a.example")
    const policy = parsePolicy(`log ${old.vkey}\nlog ${young.vkey}\nquorum none\n`)
    const opened = await openCosignedCheckpoint(await signNote(text, young), policy)
    expect(opened.logVkey).toBe(young.vkey)
  })

  test("of another origin than the key that signed it does not open", async () => {
    const [a, b] = [signerOf("a.example/log", 1), signerOf("b.example/log", 2)]
    const text = golden.slice(0, golden.indexOf("\n\n") + 1).replace("postern.example", "a.example")
    const policy = parsePolicy(`log ${a.vkey}\nlog ${b.vkey}\nquorum none\n`)
    await expect(openCosignedCheckpoint(await signNote(text, b), policy)).rejects.toThrow(invalid)
  })

  test("needs a policy that names a log", async () => {
    const opened = openCosignedCheckpoint(golden, parsePolicy("quorum none\n"))
    await expect(opened).rejects.toThrow(expect.objectContaining({ code: "POLICY_INVALID" }))
  })
})

describe("a cosignature", () => {
  test.each(vectors.messages)("is over header, time and the whole text: $name", async (vector) => {
    const { text, signatures } = parseNote(vector.note)
    const message = cosignatureMessage(text, vector.time)
    expect(decodeUtf8(message)).toBe(vector.message)
    const blob = signatures[1]?.signature ?? new Uint8Array()
    expect(await checkCosignature(parseWitnessVkey(vector.vkey), text, blob)).toBe(vector.time)
  })

  test.each(vectors.badMessages)("is refused: $name", async ({ note, vkey }) => {
    const { text, signatures } = parseNote(note)
    const blob = signatures[1]?.signature ?? new Uint8Array()
    await expect(checkCosignature(parseWitnessVkey(vkey), text, blob)).rejects.toThrow(invalid)
  })

  test("is written and read, at every second", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (time) => {
        const signature = new Uint8Array(64).fill(time % 256)
        const read = decodeCosignature(encodeCosignature({ time, signature }))
        expect(read.time).toBe(time)
        expect(formatHex(read.signature)).toBe(formatHex(signature))
      }),
    )
  })

  test("changed at any byte is refused", async () => {
    const { text, signatures } = parseNote(golden)
    const vkey = parseWitnessVkey(witnessOf("witness.example/w1", 2).vkey)
    const blob = signatures[1]?.signature ?? new Uint8Array()
    for (let at = 0; at < blob.length; at++) {
      const changed = new Uint8Array(blob)
      changed[at] = ((blob[at] ?? 0) + 1 + at) % 256
      await expect(checkCosignature(vkey, text, changed)).rejects.toThrow(invalid)
    }
  })
})

describe("signature lines", () => {
  const lines = golden.slice(golden.indexOf("— "))

  test("are read and written by themselves", () => {
    expect(formatSignatureLines(parseSignatureLines(lines))).toBe(lines)
  })

  test.each(["", "\n", lines.trimEnd(), `${lines}\n`, `x${lines}`, lines.repeat(51)])(
    "are refused: %j",
    (text) => {
      expect(() => parseSignatureLines(text)).toThrow(invalid)
    },
  )
})
