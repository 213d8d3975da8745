import type { ErrorCode } from "@postern/log/base"
import type { ValueBeside } from "../policy/sieve/index.ts"
import type { LargeValues, NamedRows, Prepared } from "./large-values.ts"
import type { PolicyAtWork } from "./policy-at-work.ts"
import type { OfferedBatch } from "./session/index.ts"
import type { Strongroom } from "./strongroom.ts"

export interface BatchesBesideWorld {
  readonly large: LargeValues
  readonly disclosures: Strongroom
  readonly policy: PolicyAtWork
  /** The state of the port is unknown. */
  fatal(error: unknown): void
}

/** What there is to say of a batch whose events may name values beside the log. */
export type Beside =
  | { readonly kind: "ready"; readonly rows: Prepared["rows"] | undefined }
  /** The owner is asked for it again, by resume(). */
  | { readonly kind: "later" }
  | { readonly kind: "refused"; readonly code: ErrorCode }

/** Batches of streams whose writers handed values over before: what is kept of those is decided before the batch is placed. */
export class BatchesBeside {
  readonly #world: BatchesBesideWorld

  constructor(world: BatchesBesideWorld) {
    this.#world = world
  }

  /** Whether a writer's event may name this digest. */
  holds(writer: string, digest: string): boolean {
    const { disclosures } = this.#world
    return disclosures.handedOver.holds(writer, digest) || disclosures.holds(digest)
  }

  /** @param named of the batch, which was judged and lies in the core's memory */
  look(batch: OfferedBatch, named: NamedRows): Beside {
    const { large } = this.#world
    const { owner, digest } = batch
    if (large.isBusy(owner)) return { kind: "later" }
    if (!this.#hasToBeMade(batch.peer.id, named)) return { kind: "ready", rows: undefined }
    const ready = large.readyFor(owner, keyOf(digest))
    if (ready?.failed !== undefined) {
      large.release(owner)
      return { kind: "refused", code: ready.failed }
    }
    const isWhole = ready !== undefined && [...named.keys()].every((row) => ready.looked.has(row))
    if (isWhole) return { kind: "ready", rows: ready.rows }
    this.#make(batch, named)
    return { kind: "later" }
  }

  /** The batch has its place: what was handed over for it is no longer needed. */
  placed({ owner, peer }: OfferedBatch, named: NamedRows): void {
    const { large, disclosures, fatal } = this.#world
    large.release(owner)
    if (named.size === 0) return
    const digests = [...named.values()].flat()
    disclosures.handedOver.forget(peer.id, digests).catch(fatal)
  }

  /** Without a policy, and with values that were kept for good at once, there is nothing to do. */
  #hasToBeMade(writer: string, named: NamedRows): boolean {
    if (named.size === 0) return false
    const { policy, disclosures } = this.#world
    if (policy.inForce !== undefined) return true
    const { handedOver } = disclosures
    return [...named.values()].some((digests) =>
      digests.some((digest) => handedOver.holds(writer, digest)),
    )
  }

  #make({ owner, peer, count, digest }: OfferedBatch, named: NamedRows): void {
    const { large, fatal } = this.#world
    const writer = peer.id
    const batch = { key: keyOf(digest), writer, adapter: "postern", count, changed: 0 } as const
    large
      .prepare(owner, batch, named, (digests, bytesMax) => this.#read(writer, digests, bytesMax))
      .then(() => owner.resume(), fatal)
  }

  async #read(
    writer: string,
    digests: readonly string[],
    bytesMax: number,
  ): Promise<readonly ValueBeside[] | undefined> {
    const { handedOver, read } = this.#world.disclosures
    const values: ValueBeside[] = []
    let bytes = 0
    for (const digest of digests) {
      const json = (await handedOver.read(writer, digest)) ?? (await read(digest))
      bytes += json?.length ?? 0
      if (json === undefined || bytes > bytesMax) return undefined
      values.push({ digest, json })
    }
    return values
  }
}

/** A batch is the one that its stream's digest after it names. */
function keyOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString("hex")
}
