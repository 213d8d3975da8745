/** A witness that cosigns whatever it is shown. */
import { generateKeyPairSync, sign } from "node:crypto"
import {
  formatNote,
  formatWitnessVkey,
  parseNote,
  signCosignature,
  witnessKeyId,
} from "@postern/log/tlog"

export function createWitness() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519")
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32)
  const name = "witness.test/one"
  const witness = {
    ...{ name, keyId: witnessKeyId(name, raw) },
    sign: (message: Uint8Array) => sign(undefined, message, privateKey),
  }
  return {
    /** The lines of a policy that asks for it. */
    policy: `witness one ${formatWitnessVkey(name, raw)}\nquorum one\n`,
    cosign: async (note: string): Promise<string> => {
      const { text, signatures } = parseNote(note)
      const cosignature = await signCosignature(text, 1_763_800_000, witness)
      return formatNote({ text, signatures: [...signatures, cosignature] })
    },
  }
}
