/** A log whose key changes: entries, certificates, checkpoints by whatever keys, and proofs. */
import {
  formatCheckpoint,
  inclusionProof,
  type NoteSigner,
  signNote,
  treeRoot,
} from "../tlog/index.ts"
import { signerOf } from "../tlog/signer.test.support.ts"
import { cosign, logKey, origin, TestLog, type Witness } from "./evidence-log.test.support.ts"
import { formatKeyCertificateText, type KeyProof, keyActions, rootKeyName } from "./index.ts"

export type Key = NoteSigner & { readonly vkey: string }
export const [keyA, keyB, keyC]: readonly [Key, Key, Key] = [
  logKey,
  signerOf(origin, 2),
  signerOf(origin, 3),
]
export const rootKey: Key = signerOf(rootKeyName(origin), 8)

export interface Roll {
  readonly by?: Key
  readonly certified?: Key
  readonly reason?: "planned" | "compromised"
}

export class KeyLog {
  readonly log = new TestLog()

  constructor() {
    this.log.start()
    this.grow(3)
  }

  get size(): number {
    return this.log.size
  }

  grow(count: number): void {
    for (let i = 0; i < count; i++) this.log.own("postern.refused", { count: i })
  }

  async roll(old: Key, next: Key, { by = old, certified = next, reason }: Roll = {}) {
    const certificate = await signNote(formatKeyCertificateText(origin, certified.vkey), by)
    return this.log.own(keyActions.rolled, {
      old: old.vkey,
      new: next.vkey,
      certificate,
      reason: reason ?? "planned",
    })
  }

  retire(key: Key): number {
    return this.log.own(keyActions.retired, { vkey: key.vkey })
  }

  /** The checkpoint of a size, by these keys. */
  async note(
    keys: readonly Key[],
    witnesses: readonly Witness[] = [],
    size = this.size,
  ): Promise<string> {
    const text = formatCheckpoint({ origin, size, root: await treeRoot(size, this.log.read) })
    return cosign(await signNote(text, ...keys), witnesses)
  }

  /** The proof of an entry in the tree as it is now. */
  async proof(
    index: number,
    keys: readonly Key[],
    witnesses: readonly Witness[] = [],
  ): Promise<KeyProof> {
    const path = await inclusionProof(index, this.size, this.log.read)
    const leaf = this.log.leaves[index] as Uint8Array
    return { note: await this.note(keys, witnesses), index, leaf, path }
  }
}
