import { PosternError } from "@postern/log/base"
import type { Adapter, WriterGrant } from "../access/index.ts"
import { batchKind } from "../disk/index.ts"
import { openStream } from "./openings.ts"
import type { IntakeWorld } from "./port-intake.ts"
import { ownBytesMax, type Reception } from "./reception.ts"
import { Repeats } from "./repeats.ts"
import { advanceStream, type RecentIds, type Stream } from "./sequencer/index.ts"
import type { BodyOffered, OfferedBody, SessionPeer } from "./session/index.ts"

/** Bodies of senders without streams: repeats are recognised by id, sequence numbers are the port's. */
export class BodyIntake {
  readonly #world: IntakeWorld
  readonly #reception: Reception
  readonly #recentIds: RecentIds

  constructor(world: IntakeWorld, reception: Reception, recentIds: RecentIds) {
    this.#world = world
    this.#reception = reception
    this.#recentIds = recentIds
  }

  /**
   * Puts on stable storage what was kept out of those events of the body that would be taken, and gives their digests.
   * An open slot without room is no reason not to: the events are offered again, and then need them.
   * Errors: NOT_GRANTED, ADAPTER_NOT_GRANTED, RATE_LIMITED, DISK_FULL, SEALING_UNAVAILABLE.
   */
  async keepOut(body: OfferedBody): Promise<ReadonlySet<string>> {
    const grant = this.#world.grant(body.peer.id)
    const { examination } = this.#reception
    if (grant === undefined) throw new PosternError("NOT_GRANTED")
    const refusal = this.#refusal(body, grant)
    if (refusal?.kind === "refused") throw new PosternError(refusal.code)
    if (refusal !== undefined && refusal.delayMs > 0) throw new PosternError("RATE_LIMITED")
    if (!this.#reception.load(body.region, body.count)) return new Set()
    examination.judgeBody(body.count, grant, body.tooLarge, () => true)
    const taken = body.keptOut.filter(({ position }) => examination.isAccepted(position))
    const values = taken.flatMap((event) => event.values)
    await this.#world.disclosures.keep(values)
    return new Set(values.map(({ digest }) => digest))
  }

  offer(body: OfferedBody): BodyOffered {
    const { peer, adapter, region, count, kept } = body
    const grant = this.#world.grant(peer.id)
    if (grant === undefined) return { kind: "refused", code: "NOT_GRANTED" }
    const refusal = this.#refusal(body, grant)
    if (refusal !== undefined) return refusal
    const stream = this.#adapterStream(peer, adapter)
    if (!this.#reception.load(region, count)) return { kind: "refused", code: "FRAME_SYNTAX" }
    const { examination } = this.#reception
    examination.judgeBody(count, grant, body.tooLarge, (digest) => kept.has(digest))
    const refused = examination.refused(count)
    const repeats = new Repeats(this.#recentIds, examination, body, this.#world.sequencer.next)
    const taken = examination.compact(count, (row) => repeats.isNew(row))
    const placed = this.#reception.place(taken, new Uint8Array(32), {
      open: stream.open,
      sequence: stream.next,
      events: taken,
      changed: body.changed,
      kind: batchKind.serverMade,
      owner: body.owner,
    })
    advanceStream(stream, placed, this.#world.clock.milliseconds())
    this.#reception.spent(grant, count, region.length + keptBytes(body))
    if (refused.length > 0)
      this.#world.refusals.report(peer, refused[0]?.code ?? "EVENT_SYNTAX", { refused })
    if (repeats.reused !== undefined) this.#recordReuse(peer, repeats.reused)
    const { first, accepted } = placed
    return { kind: "placed", first, accepted, refused, duplicates: repeats.duplicates }
  }

  #refusal(
    { adapter, count, region }: OfferedBody,
    grant: WriterGrant,
  ): Exclude<BodyOffered, { kind: "placed" }> | undefined {
    if (!grant.adapters.has(adapter)) return { kind: "refused", code: "ADAPTER_NOT_GRANTED" }
    return this.#reception.full(grant, count + 1, region.length + ownBytesMax)
  }

  /** An id that came again with other content is stored again, and said to be. */
  #recordReuse(peer: SessionPeer, reused: { id: string; index: number }): void {
    this.#world.own.record({
      action: "postern.id.reused",
      outcome: "unknown",
      targets: [{ type: "writer", id: peer.id }],
      data: { writer: peer.id, ...reused },
    })
  }

  #adapterStream(peer: SessionPeer, adapter: Adapter): Stream {
    const known = this.#world.streams.find(peer.id, adapter)
    if (known !== undefined) return known
    const opener = { peer, adapter, framed: false }
    return openStream(this.#world, opener, { id: adapter }, this.#world.clock.milliseconds())
  }
}

function keptBytes({ keptOut, kept }: OfferedBody): number {
  let bytes = 0
  for (const { values } of keptOut) {
    for (const { json, digest } of values) if (kept.has(digest)) bytes += json.length
  }
  return bytes
}
