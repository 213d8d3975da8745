import { isPosternError } from "../base/index.ts"
import {
  type CosignedCheckpoint,
  checkInclusion,
  leafHash,
  openCosignedCheckpoint,
  openNote,
  parseNote,
  parseVkey,
  type TrustPolicy,
} from "../tlog/index.ts"
import { demandKeys, parseKeyCertificateText, plainVkey, rootKeyName } from "./key-certificate.ts"
import { type KeyChange, type KeyProof, readKeyChange } from "./key-proof.ts"

/** A log key, as far as it is believed. */
export interface TrustedKey {
  readonly vkey: string
  /** The largest size that a checkpoint may have which it signs; undefined while it is in use. */
  readonly bound: number | undefined
}

type Rolled = Extract<KeyChange, { action: "rolled" }>

/**
 * The keys of one log that somebody believes who pinned one of them once (docs/spec/keys.md, What a verifier does). It only
 * learns what those keys say, and never gives a key back what it took from it: proofs may come again, and in parts.
 */
export class KeyTrust {
  readonly origin: string
  readonly #policy: TrustPolicy
  readonly #roots: ReadonlySet<string>
  /** With the bound of each. */
  readonly #keys: Map<string, number>
  #hasLearned = false

  /**
   * @param policy from somewhere else than the log; its keys named `<origin>/root` sign certificates only
   * @throws PosternError NOTE_INVALID for a policy that was not parsed
   */
  constructor(policy: TrustPolicy, origin: string) {
    const vkeys = policy.logs.map(({ vkey }) => plainVkey(vkey))
    const isRoot = (vkey: string) => parseVkey(vkey).name === rootKeyName(origin)
    this.origin = origin
    this.#policy = policy
    this.#roots = new Set(vkeys.filter(isRoot))
    const others = vkeys.filter((vkey) => !isRoot(vkey))
    this.#keys = new Map(others.map((vkey) => [vkey, Number.POSITIVE_INFINITY]))
  }

  /** Those of the log, the pinned ones first, then in the order in which they were learned. */
  get keys(): readonly TrustedKey[] {
    const own = [...this.#keys].filter(([vkey]) => vkey.startsWith(`${this.origin}+`))
    return own.map(([vkey, bound]) => ({ vkey, bound: Number.isFinite(bound) ? bound : undefined }))
  }

  /**
   * Opens a checkpoint as openCosignedCheckpoint does; the key that signed it must be one whose bound is not below its size.
   * If the policy names several logs, the caller compares the origin.
   * @throws PosternError NOTE_INVALID · POLICY_INVALID
   */
  openCheckpoint(note: string): Promise<CosignedCheckpoint> {
    return this.#open(note, this.#keys)
  }

  /**
   * Checks a proof and learns what its entry says. Gives undefined for what this verifier has no use for: changes before the
   * key that it pinned, and the end of a key that it does not know.
   * @throws PosternError KEY_CHANGE_INVALID: the log, or whoever handed out the proof, is not to be believed
   */
  async learn(proof: KeyProof): Promise<KeyChange | undefined> {
    try {
      const change = readKeyChange(proof.leaf, this.origin)
      const learned = await (change.action === "rolled"
        ? this.#learnRolled(change, proof)
        : this.#learnRetired(change.vkey, proof))
      if (!learned) return undefined
      this.#hasLearned = true
      return change
    } catch (error) {
      if (!isPosternError(error)) throw error
      demandKeys(false, `entry ${proof.index}: ${error.detail ?? error.message}`)
      throw error
    }
  }

  async #learnRolled(change: Rolled, proof: KeyProof): Promise<boolean> {
    const certifiers = this.#certifiersOf(change.certificate)
    if (certifiers.length === 0 && !this.#hasLearned) return false
    demandKeys(certifiers.length > 0, "no key that is known certified the new one")
    const { text, verifiedBy } = await openNote(change.certificate, certifiers)
    const certified = parseKeyCertificateText(text)
    const isOurs = certified.origin === this.origin && certified.vkey === change.new
    demandKeys(isOurs, "the certificate is for another key")
    const byRoot = verifiedBy.some(({ name }) => name === rootKeyName(this.origin))
    const mayReplace = byRoot || change.reason === "planned"
    demandKeys(mayReplace, "only the root key replaces a key that was compromised")
    const keys = new Map(this.#keys)
    if (byRoot && !keys.has(change.new)) keys.set(change.new, Number.POSITIVE_INFINITY)
    await this.#checkHeld(proof, keys)
    if (!this.#keys.has(change.new)) this.#keys.set(change.new, Number.POSITIVE_INFINITY)
    if (change.reason === "compromised") this.#limit(change.old, proof.index)
    return true
  }

  async #learnRetired(vkey: string, proof: KeyProof): Promise<boolean> {
    if (!this.#keys.has(vkey)) return false
    await this.#checkHeld(proof, this.#keys)
    this.#limit(vkey, proof.index)
    return true
  }

  #limit(vkey: string, bound: number): void {
    const before = this.#keys.get(vkey)
    if (before !== undefined) this.#keys.set(vkey, Math.min(before, bound))
  }

  /** Keys that this verifier knows and that the certificate bears a line of. */
  #certifiersOf(certificate: string): string[] {
    const { signatures } = parseNote(certificate)
    return [...this.#keys.keys(), ...this.#roots].filter((vkey) => {
      const { name, keyId } = parseVkey(vkey)
      return signatures.some((line) => line.name === name && line.keyId === keyId)
    })
  }

  async #checkHeld({ note, index, leaf, path }: KeyProof, keys: ReadonlyMap<string, number>) {
    const { checkpoint, quorumMet } = await this.#open(note, keys)
    demandKeys(checkpoint.origin === this.origin, "its checkpoint is one of another log")
    demandKeys(quorumMet, "its checkpoint has not the quorum of the policy")
    checkInclusion(index, checkpoint.size, leafHash(leaf), path, checkpoint.root)
  }

  async #open(note: string, keys: ReadonlyMap<string, number>): Promise<CosignedCheckpoint> {
    const known = [...keys.keys(), ...this.#roots].map((vkey) => ({ vkey, url: undefined }))
    const counts = (vkey: string, size: number) => (keys.get(vkey) ?? -1) >= size
    return openCosignedCheckpoint(note, { ...this.#policy, logs: known }, counts)
  }
}

/** A trust set that has learned all of these, oldest first. @throws PosternError KEY_CHANGE_INVALID */
export async function openKeyTrust(
  policy: TrustPolicy,
  origin: string,
  proofs: readonly KeyProof[] = [],
): Promise<KeyTrust> {
  const trust = new KeyTrust(policy, origin)
  for (const proof of proofs) await trust.learn(proof)
  return trust
}

/** A policy of these keys and no witness: all that a profile pins. */
export function pinnedPolicy(vkeys: readonly string[]): TrustPolicy {
  const logs = vkeys.map((vkey) => ({ vkey, url: undefined }))
  return { logs, witnesses: [], groups: [], quorum: undefined }
}
