import { equalBytes, isPosternError } from "@postern/log/base"
import {
  type KeyChange,
  type KeyProof,
  KeyTrust,
  parseKeyProofs,
  pinnedPolicy,
  readKeyChange,
} from "@postern/log/evidence"
import { type Checkpoint, parseCheckpoint, parseNote } from "@postern/log/tlog"
import type { DirectoryDraft } from "./checks.ts"
import type { Claims } from "./claims.ts"

/** What is known of the log's keys: by the proofs in the directory, and by the entries as they are read. */
export class KeyCheck {
  readonly #draft: DirectoryDraft
  readonly #claims: Claims
  readonly #proofs: readonly KeyProof[]
  readonly #changes: readonly (KeyChange | undefined)[]
  /** Undefined if no key was given: then no signature is checked. */
  readonly trust: KeyTrust | undefined
  /** Entries about keys as the records have them. */
  readonly #found = new Map<number, Uint8Array>()

  private constructor(
    draft: DirectoryDraft,
    claims: Claims,
    proofs: readonly KeyProof[],
    trust: KeyTrust | undefined,
  ) {
    this.#draft = draft
    this.#claims = claims
    this.#proofs = proofs
    this.trust = trust
    this.#changes = proofs.map((proof) => this.#read(proof.leaf, `keys, entry ${proof.index}`))
  }

  /** @param vkeys keys of the log and root keys, from somewhere else than the directory; none if none were given */
  static async open(
    draft: DirectoryDraft,
    claims: Claims,
    vkeys: readonly string[],
  ): Promise<KeyCheck> {
    const proofs = readProofs(draft, claims.keys)
    const trust = vkeys.length === 0 ? undefined : new KeyTrust(pinnedPolicy(vkeys), claims.origin)
    for (const proof of proofs) {
      draft.count("keys")
      try {
        await trust?.learn(proof)
      } catch (error) {
        if (!isPosternError(error)) throw error
        draft.fail("keys", "key-change", "keys", error.detail ?? error.message)
      }
    }
    return new KeyCheck(draft, claims, proofs, trust)
  }

  /** What the proofs claim of the tree. */
  get checkpoints(): Checkpoint[] {
    const found: Checkpoint[] = []
    for (const { note } of this.#proofs) {
      try {
        found.push(parseCheckpoint(parseNote(note).text))
      } catch (error) {
        if (!isPosternError(error)) throw error
        this.#draft.fail("keys", "key-change", "keys", error.message)
      }
    }
    return found
  }

  /**
   * Keys that may have certified a receipt key in the entry at this index. A key of before the one that was pinned is among them:
   * the entry that names it stands in the tree that the pinned one signed, as `finish` makes sure.
   */
  certifiers(index: number): string[] {
    const own = this.trust?.keys ?? []
    const held = own.filter(({ bound }) => bound === undefined || bound > index)
    const before = this.#changes.flatMap((change, i) => {
      const known = change?.action !== "rolled" || own.some(({ vkey }) => vkey === change.old)
      return !known && (this.#proofs[i]?.index ?? 0) > index ? [change.old] : []
    })
    return [...held.map(({ vkey }) => vkey), ...before]
  }

  /** What the proofs say that these entries below `to` are. */
  below(to: number): { readonly index: number; readonly leaf: Uint8Array }[] {
    return this.#proofs.filter(({ index }) => index < to)
  }

  /** An entry about a key. */
  entry(leaf: Uint8Array, index: number): void {
    this.#found.set(index, leaf.slice())
  }

  /** @param publishedSize of the newest checkpoint @param damaged not every entry could be read */
  finish(publishedSize: number, damaged: boolean): void {
    const draft = this.#draft
    if (this.#proofs.length === 0 && this.#found.size === 0) return draft.omit("keys")
    for (const { index, leaf } of this.#proofs) {
      const found = this.#found.get(index)
      if (found !== undefined && equalBytes(found, leaf)) continue
      if (found === undefined && damaged) draft.cannot("keys", "not every entry could be read")
      else draft.fail("keys", "key-entry", `entry ${index}`, "the proof holds another entry")
    }
    const proven = new Set(this.#changes.map(nameOf))
    for (const [index, leaf] of this.#found) {
      if (index >= publishedSize) continue
      // A port that died before the proof was written has written the entry again.
      if (proven.has(nameOf(this.#read(leaf, `entry ${index}`)))) continue
      draft.cannot("keys", `the proof of entry ${index} is not in the file keys`)
    }
  }

  #read(leaf: Uint8Array, where: string): KeyChange | undefined {
    try {
      return readKeyChange(leaf, this.#claims.origin)
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#draft.fail("keys", "key-entry", where, error.detail ?? error.message)
      return undefined
    }
  }
}

function nameOf(change: KeyChange | undefined): string | undefined {
  return change?.action === "rolled" ? `${change.old} ${change.new}` : change?.vkey
}

function readProofs(draft: DirectoryDraft, text: string | undefined): KeyProof[] {
  if (text === undefined) return []
  try {
    return parseKeyProofs(text)
  } catch (error) {
    if (!isPosternError(error)) throw error
    draft.fail("keys", "keys-syntax", "keys", error.detail ?? error.message)
    return []
  }
}
