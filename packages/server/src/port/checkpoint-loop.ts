import { formatBase64, PosternError } from "@postern/log/base"
import type { Head, LogStore } from "../disk/index.ts"
import type { Counters } from "./counters.ts"
import type { Signer } from "./signer/index.ts"

export interface CheckpointWorld {
  readonly store: LogStore
  readonly signer: Signer
  readonly counters: Counters
  durableHead(): Head | undefined
  fatal(error: unknown): void
  /** True if nothing may be signed, nor published: a witness knows what this log does not. */
  stopped?(): boolean
  /** A checkpoint was signed; it is published after this. */
  beforePublishing?(size: number, note: string): Promise<void>
  /** A checkpoint is about to be on disk for followers: who cosigns it may be heard of at once. */
  publishing?(size: number, note: string): void
  /** The signer has signed what this log contradicts: nothing is asked of it any more. Said once. */
  refused?(reason: string): void
}

const everyMs = 1000
/** What a signer that is not ours may end with (docs/spec/signer.md). */
const signerCodes: ReadonlySet<string> = new Set(["SIGNER_UNAVAILABLE", "LOG_ROLLED_BACK"])

/**
 * Once a second, while the log grows: remember on disk what is about to be signed, sign it, publish it. Signs only tree
 * heads that are durable, each size once, never a smaller one after a larger one.
 */
export class CheckpointLoop {
  readonly #world: CheckpointWorld
  #timer: NodeJS.Timeout | undefined
  #publishing: Promise<void> = Promise.resolve()
  #published = -1
  #signed = -1
  /** The published checkpoint; undefined until this life has signed one or was given one. */
  #note: string | undefined
  /** Why the signer did not sign last time. */
  #signerProblem: PosternError | undefined

  /** @param note the checkpoint that an earlier life published, if this one may change its lines */
  constructor(world: CheckpointWorld, alreadySigned: number, note?: string) {
    this.#world = world
    this.#published = alreadySigned
    this.#signed = alreadySigned
    this.#note = note
  }

  get published(): number {
    return Math.max(0, this.#published)
  }

  /** Size of the newest checkpoint that may have been signed, published or not. */
  get signed(): number {
    return Math.max(0, this.#signed)
  }

  /** Why nothing is being signed: a signer that is away is asked again, one that refused is not. */
  get signerProblem(): PosternError | undefined {
    return this.#signerProblem
  }

  start(): void {
    this.#timer = setInterval(() => void this.publish(), everyMs)
  }

  /** Publishes now if the log has grown. A full disk leaves it for the next time. */
  publish(): Promise<void> {
    return this.#inTurn(() => this.#publish())
  }

  /**
   * Publishes the checkpoint anew with other signature lines: what `change` makes of it, or nothing
   * if that is undefined. The text must stay.
   */
  republish(change: (note: string) => string | undefined): Promise<void> {
    return this.#inTurn(async () => {
      const note = this.#note === undefined ? undefined : change(this.#note)
      if (note === undefined || note === this.#note) return
      await this.#world.store.publishCheckpoint(note)
      this.#note = note
    })
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    this.#publishing = this.#publishing.then(write).catch((error) => {
      const full = error instanceof PosternError && error.code === "DISK_FULL"
      const noSpace = (error as NodeJS.ErrnoException).code === "ENOSPC"
      if (!full && !noSpace) this.#world.fatal(error)
    })
    return this.#publishing
  }

  async #publish(): Promise<void> {
    const { store, signer, counters } = this.#world
    const head = this.#world.durableHead()
    if (head === undefined || head.size <= this.#published || this.#isStopped) return
    if (this.#signerProblem?.code === "LOG_ROLLED_BACK") return
    await store.rememberSigned({ size: head.size, root: formatBase64(head.root) })
    this.#signed = head.size
    // Whatever is waited for: a witness may be heard meanwhile.
    if (this.#isStopped) return
    const note = await this.#sign(signer, head)
    if (note === undefined || this.#isStopped) return
    await this.#world.beforePublishing?.(head.size, note)
    if (this.#isStopped) return
    this.#world.publishing?.(head.size, note)
    await store.publishCheckpoint(note)
    this.#note = note
    this.#published = head.size
    counters.checkpoints += 1
  }

  get #isStopped(): boolean {
    return this.#world.stopped?.() === true
  }

  /** Undefined if the signer did not sign: entries are taken all the same, and it is asked again in a second. */
  async #sign(signer: Signer, head: Head): Promise<string | undefined> {
    try {
      const note = await signer.signCheckpoint(head.size, head.root)
      this.#signerProblem = undefined
      return note
    } catch (error) {
      if (!(error instanceof PosternError) || !signerCodes.has(error.code)) throw error
      this.#signerProblem = error
      if (error.code === "LOG_ROLLED_BACK") this.#world.refused?.(error.message)
      return undefined
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.publish()
  }
}
