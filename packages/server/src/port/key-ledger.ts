import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import {
  formatKeyProofs,
  type KeyProof,
  KeyTrust,
  parseKeyProofs,
  readKeyChange,
} from "@postern/log/evidence"
import { inclusionProof, parseCheckpoint, parseNote, type TrustPolicy } from "@postern/log/tlog"
import { keysLengthMax } from "@postern/log/wire"
import { followLog, type LogView, replaceFile } from "../disk/index.ts"

const name = "keys"
const begunName = "key-change.json"

export interface KeyLedgerWorld {
  readonly origin: string
  /** The log directory. */
  readonly directory: string
  /** The port's own state: holds a second copy. */
  readonly state: string
}

/** A change that is under way: the entry is on its way into the log, and no checkpoint holds it. */
interface BegunChange {
  readonly old: string
  readonly new: string
}

/**
 * The file `keys` of the log directory (docs/spec/keys.md, Proofs): what anybody needs who pinned an older key. A proof is
 * on disk before the checkpoint that it holds is published, so that none is ever missing. A copy stands in the port's state.
 */
export class KeyLedger {
  readonly #world: KeyLedgerWorld
  #proofs: readonly KeyProof[]
  /** All proofs have the quorum: looked at once in a life. */
  #isWitnessed = false
  /** Entries that no proof is written for; undefined until they have their place. */
  readonly #awaited: (number | undefined)[] = []

  private constructor(world: KeyLedgerWorld, proofs: readonly KeyProof[]) {
    this.#world = world
    this.#proofs = proofs
  }

  /** @throws PosternError KEY_CHANGE_INVALID if the file is there and cannot be read */
  static async open(world: KeyLedgerWorld): Promise<KeyLedger> {
    const proofs = readProofs(join(world.directory, name), world.origin)
    if (proofs !== undefined) return new KeyLedger(world, proofs)
    // A log that does not exist yet has no keys, whatever was here before it.
    if (!existsSync(join(world.directory, "log.json"))) return new KeyLedger(world, [])
    const copy = readCopy(join(world.state, name), world.origin)
    const ledger = new KeyLedger(world, copy)
    if (copy.length > 0) await ledger.#write(copy)
    return ledger
  }

  get proofs(): readonly KeyProof[] {
    return this.#proofs
  }

  /**
   * What a writer is told: the proofs of changes from an index on, oldest first, as many as fit into a frame. It asks for the
   * next ones by their index. Undefined if there is none.
   */
  told(from: number): string | undefined {
    let text = ""
    for (const proof of this.#proofs) {
      if (proof.index < from) continue
      const line = formatKeyProofs([proof])
      if (text.length + line.length > keysLengthMax) break
      text += line
    }
    return text === "" ? undefined : text
  }

  get begun(): BegunChange | undefined {
    const text = readIfThere(join(this.#world.state, begunName))
    if (text === undefined) return undefined
    const found = JSON.parse(text) as BegunChange
    // Of an epoch before, which ended in the middle of it.
    return found.old.startsWith(`${this.#world.origin}+`) ? found : undefined
  }

  /** Durable before the new key signs anything. */
  async begin(change: BegunChange): Promise<void> {
    await replaceFile(join(this.#world.state, begunName), `${JSON.stringify(change)}\n`)
  }

  /** An entry is about to be placed. Returns who is to be told its index. */
  await(): (index: number) => void {
    const at = this.#awaited.push(undefined) - 1
    return (index) => {
      this.#awaited[at] = index
    }
  }

  /** Whether a tree of this size may be signed: it holds what says by which key. */
  covers(size: number): boolean {
    return this.#awaited.every((index) => index !== undefined && index < size)
  }

  /** A checkpoint was signed and is not published yet. Errors: DISK_FULL (it may be repeated), DISK_FAILED. */
  async settle(size: number, note: string): Promise<void> {
    if (this.#awaited.length === 0 || !this.covers(size)) return
    const indexes = (this.#awaited as number[]).toSorted((a, b) => a - b)
    await this.#write([...this.#proofs, ...(await proofsOf(this.#world, indexes, size, note))])
    this.#awaited.length = 0
    this.#isWitnessed = false
    rmSync(join(this.#world.state, begunName), { force: true })
  }

  /**
   * A checkpoint got the quorum. The proofs that lack it take it over, as far as the keys that signed it allow.
   * @param policy of the witnesses; its only log, if any, is the root key
   */
  async witnessed(note: string, policy: TrustPolicy): Promise<void> {
    const { first } = this
    if (first === undefined || this.#isWitnessed) return
    const logs = [{ vkey: first, url: undefined }, ...policy.logs]
    const trust = new KeyTrust({ ...policy, logs }, this.#world.origin)
    let isWitnessed = true
    const better = [...this.#proofs]
    for (const [i, proof] of better.entries()) {
      if (await learns(trust, proof)) continue
      const { size } = parseCheckpoint(parseNote(note).text)
      isWitnessed = false
      if (proof.index >= size) break
      const [again] = await proofsOf(this.#world, [proof.index], size, note)
      if (again === undefined || !(await learns(trust, again))) break
      better[i] = again
      isWitnessed = true
    }
    this.#isWitnessed = isWitnessed
    if (better.some((proof, i) => proof !== this.#proofs[i])) await this.#write(better)
  }

  /** The key of before any change. */
  get first(): string | undefined {
    const [first] = this.#proofs
    if (first === undefined) return undefined
    const change = readKeyChange(first.leaf, this.#world.origin)
    return change.action === "rolled" ? change.old : undefined
  }

  async #write(proofs: readonly KeyProof[]): Promise<void> {
    const text = formatKeyProofs(proofs)
    await replaceFile(join(this.#world.state, name), text)
    await replaceFile(join(this.#world.directory, name), text)
    this.#proofs = proofs
  }
}

async function learns(trust: KeyTrust, proof: KeyProof): Promise<boolean> {
  try {
    await trust.learn(proof)
    return true
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}

/** Proofs of these entries, read from the log's own files. */
async function proofsOf(
  { directory }: KeyLedgerWorld,
  indexes: readonly number[],
  size: number,
  note: string,
): Promise<KeyProof[]> {
  const view = await followLog(directory)
  try {
    await reached(view, size)
    const proofs: KeyProof[] = []
    for (const index of indexes) {
      const [leaf] = await view.leaves(index, index + 1)
      if (leaf === undefined) throw new PosternError("LOG_DAMAGED", `entry ${index} is not there`)
      const path = await inclusionProof(index, size, (...asked) => view.hashes(...asked))
      proofs.push({ note, index, leaf, path })
    }
    return proofs
  } finally {
    await view.close()
  }
}

/** What is durable may be a moment ahead of what followers see. */
function reached(view: LogView, size: number): Promise<void> {
  return new Promise((resolve) => {
    const leave = view.onHead(look)
    function look(): void {
      if (view.head().size < size) return
      leave()
      resolve()
    }
    look()
  })
}

function readProofs(file: string, origin: string): KeyProof[] | undefined {
  const text = readIfThere(file)
  if (text === undefined) return undefined
  const proofs = parseKeyProofs(text)
  for (const { leaf } of proofs) readKeyChange(leaf, origin)
  return proofs
}

/** Nothing, if the copy is that of an epoch before, or cannot be read: the file itself is not there, so the log may never have had one. */
function readCopy(file: string, origin: string): KeyProof[] {
  try {
    return readProofs(file, origin) ?? []
  } catch (error) {
    if (isPosternError(error)) return []
    throw error
  }
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined
}
