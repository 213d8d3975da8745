import { generateKeyPairSync, sign } from "node:crypto"
import { encodeDer } from "../guard/pki/index.ts"

const ecdsaWithSha256 = Buffer.from("300a06082a8648ce3d040302", "hex")

/** A certificate request as a writer makes it: a new P-256 key, no names, signed by that key. */
export function newRequest(): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const spki = publicKey.export({ type: "spki", format: "der" })
  const [version, noName, none] = [Buffer.from("020100", "hex"), encodeDer(0x30), encodeDer(0xa0)]
  const info = encodeDer(0x30, version, noName, spki, none)
  const signature = encodeDer(0x03, Uint8Array.of(0), sign("sha256", info, privateKey))
  return encodeDer(0x30, info, ecdsaWithSha256, signature)
}
