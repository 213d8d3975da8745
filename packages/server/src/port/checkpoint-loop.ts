import { formatBase64, PosternError } from "@postern/log/base"
import type { Head, LogStore } from "../disk/index.ts"
import type { Counters } from "./counters.ts"
import type { Signer } from "./signer/index.ts"

const everyMs = 1000

/**
 * Once a second, while the log grows: remember on disk what is about to be signed, sign it, publish it. Signs only tree
 * heads that are durable, each size once, never a smaller one after a larger one.
 */
export class CheckpointLoop {
  readonly #store: LogStore
  readonly #signer: Signer
  readonly #counters: Counters
  readonly #durableHead: () => Head | undefined
  readonly #fatal: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #publishing: Promise<void> = Promise.resolve()
  #published = -1

  constructor(
    world: {
      store: LogStore
      signer: Signer
      counters: Counters
      durableHead(): Head | undefined
      fatal(error: unknown): void
    },
    alreadySigned: number,
  ) {
    this.#store = world.store
    this.#signer = world.signer
    this.#counters = world.counters
    this.#durableHead = world.durableHead
    this.#fatal = world.fatal
    this.#published = alreadySigned
  }

  get published(): number {
    return Math.max(0, this.#published)
  }

  start(): void {
    this.#timer = setInterval(() => void this.publish(), everyMs)
  }

  /** Publishes now if the log has grown. A full disk leaves it for the next time. */
  publish(): Promise<void> {
    this.#publishing = this.#publishing
      .then(() => this.#publish())
      .catch((error) => {
        const full = error instanceof PosternError && error.code === "DISK_FULL"
        const noSpace = (error as NodeJS.ErrnoException).code === "ENOSPC"
        if (!full && !noSpace) this.#fatal(error)
      })
    return this.#publishing
  }

  async #publish(): Promise<void> {
    const head = this.#durableHead()
    if (head === undefined || head.size <= this.#published) return
    await this.#store.rememberSigned({ size: head.size, root: formatBase64(head.root) })
    const note = await this.#signer.signCheckpoint(head.size, head.root)
    await this.#store.publishCheckpoint(note)
    this.#published = head.size
    this.#counters.checkpoints += 1
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.publish()
  }
}
