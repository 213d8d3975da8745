import { assert, concatBytes, encodeUtf8, verifyEd25519 } from "../base/index.ts"
import { demandNote, quote } from "./demand.ts"
import type { NoteSignature, NoteSigner } from "./note.ts"
import { formatTypedVkey, parseTypedVkey, typedKeyId, type Vkey } from "./vkey.ts"

/** Signature types of C2SP tlog-cosignature: a witness's statement about a checkpoint. */
const typeEd25519 = 0x04
const typeMlDsa44 = 0x06
const publicKeyBytes = { [typeEd25519]: 32, [typeMlDsa44]: 1312 }

const timeBytes = 8
const signatureBytes = 64

/** The key of a witness. */
export interface WitnessVkey extends Vkey {
  /**
   * Only "ed25519" can be checked here. Keys and lines of ML-DSA-44 are read and kept, so that a
   * policy and a note which have both stay as they are, but such a line never counts.
   */
  readonly algorithm: "ed25519" | "ml-dsa-44"
}

/** The key id of a witness's Ed25519 key (type 0x04). */
export function witnessKeyId(name: string, publicKey: Uint8Array): number {
  return typedKeyId(name, typeEd25519, publicKey)
}

/**
 * `<name>+<key id>+<base64 of 0x04 ‖ public key>` (C2SP tlog-cosignature v1.0.1).
 * @param publicKey Ed25519, raw, 32 bytes
 */
export function formatWitnessVkey(name: string, publicKey: Uint8Array): string {
  assert(publicKey.length === publicKeyBytes[typeEd25519], "an Ed25519 public key has 32 bytes")
  return formatTypedVkey(name, typeEd25519, publicKey)
}

/**
 * Parses the verifier key of a witness, and checks its key id.
 * @throws PosternError NOTE_INVALID for other types too: the key of a log is not that of a witness
 */
export function parseWitnessVkey(text: string): WitnessVkey {
  const { type, ...vkey } = parseTypedVkey(text)
  const known = type === typeEd25519 || type === typeMlDsa44
  demandNote(known, `${quote(text)} is not the key of a witness (type 4 or 6)`)
  const whole = vkey.publicKey.length === publicKeyBytes[type]
  demandNote(whole, `${quote(text)} has not ${publicKeyBytes[type]} bytes of key`)
  return { ...vkey, algorithm: type === typeEd25519 ? "ed25519" : "ml-dsa-44" }
}

/** What follows the key id in a cosignature line of type 0x04. */
export interface Cosignature {
  /** When the witness signed, by its clock: seconds since 1970. */
  readonly time: number
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** The 72 bytes `u64 time ‖ signature`. */
export function encodeCosignature({ time, signature }: Cosignature): Uint8Array {
  assert(Number.isSafeInteger(time) && time >= 0, "a time is whole seconds below 2^53")
  assert(signature.length === signatureBytes, "an Ed25519 signature has 64 bytes")
  const blob = new Uint8Array(timeBytes + signatureBytes)
  new DataView(blob.buffer).setBigUint64(0, BigInt(time))
  blob.set(signature, timeBytes)
  return blob
}

/**
 * Times of 2^53 seconds and more, which the specification allows and no clock shows, are refused.
 * @throws PosternError NOTE_INVALID
 */
export function decodeCosignature(blob: Uint8Array): Cosignature {
  demandNote(blob.length === timeBytes + signatureBytes, `a cosignature of ${blob.length} bytes`)
  const time = Number(new DataView(blob.buffer, blob.byteOffset).getBigUint64(0))
  demandNote(Number.isSafeInteger(time), `a cosignature of the second ${time}`)
  return { time, signature: blob.subarray(timeBytes) }
}

/**
 * What an Ed25519 witness signs: a header, its time, and the whole text of the note with its
 * extension lines.
 */
export function cosignatureMessage(noteText: string, time: number): Uint8Array {
  return concatBytes(encodeUtf8(`cosignature/v1\ntime ${time}\n`), encodeUtf8(noteText))
}

/**
 * Checks one cosignature line over the text of a checkpoint note.
 * @param vkey an "ed25519" key that has the name and key id of the line
 * @param blob what follows the key id in the line
 * @returns the second in which the witness says it signed; the witness's clock is not ours
 * @throws PosternError NOTE_INVALID
 */
export async function checkCosignature(
  vkey: WitnessVkey,
  noteText: string,
  blob: Uint8Array,
): Promise<number> {
  assert(vkey.algorithm === "ed25519", "only Ed25519 cosignatures can be checked")
  const { time, signature } = decodeCosignature(blob)
  const message = cosignatureMessage(noteText, time)
  const right = await verifyEd25519(vkey.publicKey, message, signature)
  demandNote(right, `the cosignature of ${quote(vkey.name)} is wrong`)
  return time
}

/**
 * Cosigns the text of a checkpoint. That the tree is consistent with all that this witness has
 * signed before, and that it is persisted, is the caller's part: this is the point of no return.
 * @param signer its key id is that of witnessKeyId
 * @param time seconds since 1970
 */
export async function signCosignature(
  noteText: string,
  time: number,
  signer: NoteSigner,
): Promise<NoteSignature> {
  const signature = await signer.sign(cosignatureMessage(noteText, time))
  const { name, keyId } = signer
  return { name, keyId, signature: encodeCosignature({ time, signature }) }
}
