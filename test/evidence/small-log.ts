import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto"
import {
  formatNote,
  formatVkey,
  formatWitnessVkey,
  noteKeyId,
  parseNote,
  signCosignature,
  signNote,
  witnessKeyId,
} from "@postern/log/tlog"

/** Bytes of all parts, hashed. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** An Ed25519 key whose seed is 32 times the byte: the same keys in every run. */
export function seededKey(byte: number): KeyObject {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex")
  const key = Buffer.concat([prefix, Buffer.alloc(32, byte)])
  return createPrivateKey({ key, format: "der", type: "pkcs8" })
}

export function publicKeyText(key: KeyObject): string {
  return createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64")
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12))
}

/** A writer's signature as docs/spec/evidence.md has it. */
export function signAsWriter(key: KeyObject, message: string): Buffer {
  const bytes = Buffer.from(message)
  if (key.asymmetricKeyType === "ed25519") return sign(null, bytes, key)
  return sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" })
}

export const origin = "evidence.example/log"
const logKey = seededKey(1)
const witnessKeys = [2, 3, 4].map(seededKey)
export const vkey = formatVkey(origin, rawPublicKey(logKey))

const witnesses = witnessKeys.map((key, i) => {
  const name = `witness.example/w${i + 1}`
  const publicKey = rawPublicKey(key)
  const keyId = witnessKeyId(name, publicKey)
  const vkey = formatWitnessVkey(name, publicKey)
  return { name, keyId, vkey, sign: (bytes: Uint8Array) => sign(null, bytes, key) }
})

/** Two of three witnesses. */
export const policy = [
  "# two of three",
  `log ${vkey} https://log.example/`,
  ...witnesses.map(({ vkey }, i) => `witness w${i + 1}\t${vkey}`),
  "group all-of-them 2 w1 w2 w3",
  "quorum all-of-them",
  "",
].join("\n")

/** One entry of the log: what its stamp says, and the event. */
export interface Written {
  readonly open: number
  readonly sequence: number
  readonly changed?: 1 | 2 | 3
  readonly event: string
}

/** A whole log in memory, with its keys, so that a test can make it say anything. */
export class SmallLog {
  readonly leaves: Buffer[] = []

  get size(): number {
    return this.leaves.length
  }

  add({ open, sequence, changed, event }: Written): number {
    const index = this.size
    const nonce = sha256(`nonce ${index}`).subarray(0, 16).toString("base64url")
    const tail = changed === undefined ? "" : `,"c":${changed}`
    const stamp = `{"r":${1_764_000_000_000_000 + index},"o":${open},"q":${sequence},"n":"${nonce}"${tail}}`
    this.leaves.push(Buffer.from(`${stamp}\n${event}`))
    return index
  }

  /** Hash of entries `[from, to)` of the tree (RFC 6962 §2.1). */
  hash(from: number, to: number): Buffer {
    if (to - from === 1) return sha256(Uint8Array.of(0), this.leaves[from] as Buffer)
    const middle = from + splitOf(to - from)
    return sha256(Uint8Array.of(1), this.hash(from, middle), this.hash(middle, to))
  }

  get root(): Buffer {
    return this.size === 0 ? sha256() : this.hash(0, this.size)
  }

  /** The hashes of the largest subtrees that have none of these entries, left before right. */
  path(indexes: readonly number[]): Buffer[] {
    const path: Buffer[] = []
    const walk = (from: number, to: number): void => {
      if (!indexes.some((index) => index >= from && index < to)) {
        path.push(this.hash(from, to))
      } else if (to - from > 1) {
        const middle = from + splitOf(to - from)
        walk(from, middle)
        walk(middle, to)
      }
    }
    if (this.size > 0) walk(0, this.size)
    return path
  }
}

function splitOf(count: number): number {
  let half = 1
  while (half * 2 < count) half *= 2
  return half
}

/**
 * A checkpoint note by the log key, cosigned by as many witnesses.
 * @param time of the cosignatures, seconds
 */
export async function checkpointNote(
  text: string,
  cosigners: readonly number[] = [],
  key = logKey,
  time = 1_764_000_000,
): Promise<string> {
  const publicKey = rawPublicKey(key)
  const keyId = noteKeyId(origin, publicKey)
  const signer = { name: origin, keyId, sign: (bytes: Uint8Array) => sign(null, bytes, key) }
  const { signatures } = parseNote(await signNote(text, signer))
  const lines = [...signatures]
  for (const i of cosigners) {
    lines.push(await signCosignature(text, time, witnesses[i] as (typeof witnesses)[number]))
  }
  return formatNote({ text, signatures: lines })
}

export function newP256Key(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
}
