import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import {
  formatKeyProofs,
  type KeyProof,
  KeyTrust,
  openKeyTrust,
  openReceiptCertificate,
  parseKeyProofs,
  pinnedPolicy,
} from "@postern/log/evidence"
import { type CosignedCheckpoint, parsePolicy, type TrustPolicy } from "@postern/log/tlog"
import type { Welcome } from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import { KeptFile } from "./kept-file.ts"

export interface ReceiptKey {
  readonly vkey: string
  readonly certificate: string
}

/** Proofs that do not hold. */
export interface KeysProblem {
  readonly error: PosternError
  /** As they were told. */
  readonly keys: string
}

/**
 * The keys that this writer believes: log keys, strictly from the one of its profile on (docs/spec/keys.md), and the receipt key that they
 * certify. What it learned stands in the file `keys` of the spool directory, since a key that ended stays so only for who knows it.
 */
export class LogKeys {
  readonly #file: KeptFile
  readonly #tell: (code: ErrorCode, detail: string) => void
  #policy: TrustPolicy = pinnedPolicy([])
  #trust = new KeyTrust(this.#policy, "")
  /** Those from which something was learned, ascending by index. */
  #proofs: readonly KeyProof[] = []
  #next = 0
  #certificate = ""
  #receiptKey: ReceiptKey | undefined
  #problem: KeysProblem | undefined

  constructor(directory: string, tell: (code: ErrorCode, detail: string) => void) {
    this.#file = new KeptFile(directory, "keys")
    this.#tell = tell
  }

  /** Undefined if no key that is believed vouches for one. */
  get receiptKey(): ReceiptKey | undefined {
    return this.#receiptKey
  }

  /** Every change below this index is known, or of no use to this writer. */
  get next(): number {
    return this.#next
  }

  /** What is wrong with the proofs that were told last; undefined if nothing is, or only that witnesses have not seen them yet. */
  get problem(): KeysProblem | undefined {
    return this.#problem
  }

  /**
   * A new connection: begins with the profile's key and what is kept, and learns what the port tells. Resolves with the reason if its
   * receipts prove nothing. Errors: those of a profile that was not parsed.
   */
  async begin(
    { log, policy }: Profile,
    { certificate, keys }: Welcome,
  ): Promise<PosternError | undefined> {
    const { origin, vkey } = log
    this.#policy = policy === undefined ? pinnedPolicy([vkey]) : parsePolicy(policy)
    this.#certificate = certificate
    await this.#restore(origin)
    await this.learn(keys)
    return this.#certify()
  }

  /** What does not hold under this profile is told of, and left. */
  async #restore(origin: string): Promise<void> {
    try {
      const kept = parseKeyProofs(this.#file.read() ?? "")
      // Those of another log are none of this one's: the log has begun anew under another name.
      this.#proofs = kept.filter(({ note }) => note.startsWith(`${origin}\n`))
      this.#trust = await openKeyTrust(this.#policy, origin, this.#proofs)
    } catch (error) {
      const detail = isPosternError(error) ? error.detail : String(error)
      this.#tell("SPOOL_DAMAGED", `the log keys that were kept do not hold: ${detail}`)
      this.#proofs = []
      this.#trust = new KeyTrust(this.#policy, origin)
    }
    this.#next = (this.#proofs.at(-1)?.index ?? -1) + 1
  }

  /** Follows what the port tells of its keys, as far as it holds; `problem` says what does not. */
  async learn(keys: string | undefined): Promise<void> {
    this.#problem = undefined
    if (keys === undefined) return
    const before = this.#proofs.length
    let told: readonly KeyProof[] = []
    try {
      told = parseKeyProofs(keys)
      for (const proof of told) await this.#follow(proof)
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#problem = (await this.#isEarly(told)) ? undefined : { error, keys }
    }
    if (this.#proofs.length === before) return
    await this.#certify()
    await this.#file.write(formatKeyProofs(this.#proofs)).catch((error) => {
      this.#tell("SPOOL_FULL", `the log's keys could not be kept: ${error}`)
    })
  }

  async #follow(proof: KeyProof): Promise<void> {
    if (proof.index < this.#next) return
    const change = await this.#trust.learn(proof)
    if (change !== undefined) this.#proofs = [...this.#proofs, proof]
    this.#next = proof.index + 1
  }

  /** Whether nothing but the quorum is missing: witnesses come later, and the proof is told again. */
  async #isEarly(told: readonly KeyProof[]): Promise<boolean> {
    const { logs, quorum } = this.#policy
    if (quorum === undefined || told.length === 0) return false
    const pinned = pinnedPolicy(logs.map(({ vkey }) => vkey))
    const later = told.filter(({ index }) => index >= this.#next)
    try {
      await openKeyTrust(pinned, this.#trust.origin, [...this.#proofs, ...later])
      return true
    } catch (error) {
      if (isPosternError(error)) return false
      throw error
    }
  }

  /** Receipts are made now: a key that has ended vouches for none. */
  async #certify(): Promise<PosternError | undefined> {
    const live = this.#trust.keys.filter(({ bound }) => bound === undefined)
    const certificate = this.#certificate
    this.#receiptKey = undefined
    try {
      const vkeys = live.map(({ vkey }) => vkey)
      this.#receiptKey = { vkey: await openReceiptCertificate(certificate, vkeys), certificate }
      return undefined
    } catch (error) {
      if (isPosternError(error)) return error
      throw error
    }
  }

  /** Opens a checkpoint of the log. Errors: NOTE_INVALID if no key that counts signed it. */
  async openCheckpoint(note: string): Promise<CosignedCheckpoint> {
    const opened = await this.#trust.openCheckpoint(note)
    const { origin } = this.#trust
    if (opened.checkpoint.origin === origin) return opened
    throw new PosternError("NOTE_INVALID", `a checkpoint of another log than ${origin}`)
  }

  /** Resolves when nothing is being written. */
  close(): Promise<void> {
    return this.#file.close()
  }
}
