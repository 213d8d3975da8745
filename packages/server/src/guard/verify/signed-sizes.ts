import { equalBytes, formatBase64, isPosternError, parseBase64 } from "@postern/log/base"
import type { KeyTrust } from "@postern/log/evidence"
import { type Checkpoint, parseCheckpoint, parseNote } from "@postern/log/tlog"
import type { DirectoryDraft } from "./checks.ts"
import type { Claims } from "./claims.ts"
import type { KeyCheck } from "./key-check.ts"

/** A root that something outside the segments claims for a size. */
interface ClaimedRoot {
  readonly check: "checkpoint" | "last-signed" | "keys"
  readonly size: number
  readonly root: Uint8Array
  met: boolean
}

/** Checkpoint and `last-signed` against the recomputed tree, as it grows past their sizes. */
export class SignedSizes {
  readonly #draft: DirectoryDraft
  readonly #claimed: ClaimedRoot[] = []
  /** Entries below this size stand under a checkpoint whose signature is right; 0 if there is none. */
  readonly signedSize: number

  private constructor(draft: DirectoryDraft, claimed: ClaimedRoot[], signedSize: number) {
    this.#draft = draft
    this.#claimed = claimed
    this.signedSize = signedSize
  }

  static async open(
    draft: DirectoryDraft,
    claims: Claims,
    { trust, checkpoints }: KeyCheck,
  ): Promise<SignedSizes> {
    const claimed: ClaimedRoot[] = checkpoints.map(({ size, root }) => {
      return { check: "keys", size, root, met: false }
    })
    const checkpoint = readCheckpoint(draft, claims)
    const signed = await checkSignature(draft, claims.checkpoint, trust)
    if (checkpoint !== undefined) {
      const { size, root } = checkpoint
      draft.count("checkpoint")
      claimed.push({ check: "checkpoint", size, root, met: false })
    }
    const { lastSigned } = claims
    const root = lastSigned === undefined ? undefined : parseBase64(lastSigned.root)
    if (lastSigned !== undefined && root?.length === 32) {
      draft.count("last-signed")
      claimed.push({ check: "last-signed", size: lastSigned.size, root, met: false })
    } else if (lastSigned !== undefined) {
      draft.fail("last-signed", "last-signed-unreadable", "last-signed", "its root is no root")
    }
    return new SignedSizes(draft, claimed, signed && checkpoint !== undefined ? checkpoint.size : 0)
  }

  /** Of the checkpoint in the directory; 0 if there is none. */
  get publishedSize(): number {
    return this.#claimed.find(({ check }) => check === "checkpoint")?.size ?? 0
  }

  /** Sizes below this one of which something claims the root, ascending. */
  below(size: number): number[] {
    const sizes = this.#claimed.map((claim) => claim.size).filter((claimed) => claimed < size)
    return [...new Set(sizes)].sort((a, b) => a - b)
  }

  /** The tree has this size, and this root if it was recomputed soundly. */
  reached(size: number, root: Uint8Array | undefined): void {
    for (const claim of this.#claimed) {
      if (claim.size !== size || claim.met) continue
      claim.met = true
      const { check } = claim
      if (root === undefined) this.#draft.cannot(check, "the records before it are damaged")
      else if (!equalBytes(root, claim.root)) {
        const what = `root ${formatBase64(claim.root)}, the records lead to ${formatBase64(root)}`
        this.#draft.fail(check, `${check}-root`, `${check}, size ${size}`, what)
      }
    }
  }

  /** @param size where the log ends */
  finish(size: number, damaged: boolean): void {
    for (const { check, size: claimed, met } of this.#claimed) {
      if (met) continue
      const where = `${check}, size ${claimed}`
      if (claimed > size) {
        const what = `the log has ${size} entries: it was rolled back`
        this.#draft.fail(check, `${check}-beyond`, where, what)
      } else if (damaged) this.#draft.cannot(check, "the records before it are damaged")
      else {
        const what = "no slot ends at this size, the port signs no other"
        this.#draft.fail(check, `${check}-size`, where, what)
      }
    }
    this.#comparePair()
  }

  /** A checkpoint is signed after its size was remembered. */
  #comparePair(): void {
    const checkpoint = this.#claimed.find(({ check }) => check === "checkpoint")
    const remembered = this.#claimed.find(({ check }) => check === "last-signed")
    if (checkpoint === undefined || (remembered?.size ?? -1) >= checkpoint.size) return
    const what = `a checkpoint of ${checkpoint.size} entries was signed, it knows of fewer`
    this.#draft.fail("last-signed", "last-signed-old", "last-signed", what)
  }
}

function readCheckpoint(draft: DirectoryDraft, claims: Claims): Checkpoint | undefined {
  if (claims.checkpoint === undefined) {
    draft.cannot("checkpoint", "there is no checkpoint yet")
    if (claims.lastSigned === undefined) draft.cannot("last-signed", "nothing was signed yet")
    return undefined
  }
  try {
    const checkpoint = parseCheckpoint(parseNote(claims.checkpoint).text)
    if (checkpoint.origin === claims.origin) return checkpoint
    const what = `it is one of ${checkpoint.origin}, the log is ${claims.origin}`
    draft.fail("checkpoint", "checkpoint-origin", "checkpoint", what)
  } catch (error) {
    if (!isPosternError(error)) throw error
    draft.fail("checkpoint", "checkpoint-syntax", "checkpoint", error.message)
  }
  return undefined
}

/** Returns whether the signature is right. */
async function checkSignature(
  draft: DirectoryDraft,
  note: string | undefined,
  trust: KeyTrust | undefined,
): Promise<boolean> {
  if (note === undefined) draft.cannot("checkpoint-signature", "there is no checkpoint yet")
  if (trust === undefined) {
    draft.cannot("checkpoint-signature", "the log's verifier key was not given")
  }
  if (note === undefined || trust === undefined) return false
  draft.count("checkpoint-signature")
  try {
    await trust.openCheckpoint(note)
    return true
  } catch (error) {
    if (!isPosternError(error)) throw error
    draft.fail("checkpoint-signature", "checkpoint-signature", "checkpoint", error.message)
    return false
  }
}
