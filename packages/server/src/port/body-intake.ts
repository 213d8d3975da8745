import { PosternError } from "@postern/log/base"
import type { Adapter, WriterGrant } from "../access/index.ts"
import { batchKind } from "../disk/index.ts"
import type { LargeValues } from "./large-values.ts"
import { openStream } from "./openings.ts"
import { ownBytesMax } from "./own-stream.ts"
import type { IntakeWorld } from "./port-intake.ts"
import type { Reception } from "./reception.ts"
import { Repeats } from "./repeats.ts"
import { advanceStream, type RecentIds, type Stream } from "./sequencer/index.ts"
import type { BodyOffered, OfferedBody, SessionPeer } from "./session/index.ts"

type Refused = Exclude<BodyOffered, { kind: "placed" | "stale" }>

/** Bodies of senders without streams: repeats are recognised by id, sequence numbers are the port's. */
export class BodyIntake {
  readonly #world: IntakeWorld
  readonly #reception: Reception
  readonly #recentIds: RecentIds

  readonly #large: LargeValues

  constructor(world: IntakeWorld, reception: Reception, recentIds: RecentIds, large: LargeValues) {
    this.#world = world
    this.#reception = reception
    this.#recentIds = recentIds
    this.#large = large
  }

  /**
   * Puts on stable storage what the policy leaves of the values that were kept out of those events of the body that would be taken,
   * and gives the digests that they came with. An open slot without room is no reason not to: the events are offered again, and then need them.
   * Errors: NOT_GRANTED, ADAPTER_NOT_GRANTED, RATE_LIMITED, DISK_FULL, SEALING_UNAVAILABLE.
   */
  async keepOut(body: OfferedBody): Promise<ReadonlySet<string>> {
    const grant = this.#world.grant(body.peer.id)
    const { examination } = this.#reception
    if (grant === undefined) throw new PosternError("NOT_GRANTED")
    const refusal = this.#refusal(sizeOf(body), grant)
    if (refusal?.kind === "refused") throw new PosternError(refusal.code)
    if (refusal !== undefined && refusal.delayMs > 0) throw new PosternError("RATE_LIMITED")
    if (!this.#reception.load(body.region, body.count)) return new Set()
    examination.judgeBody(body.count, grant, body.tooLarge, () => true)
    const taken = body.keptOut.filter(({ position }) => examination.isAccepted(position))
    const values = taken.flatMap((event) => event.values)
    if (this.#world.policy.inForce === undefined) await this.#world.disclosures.keep(values)
    else await this.#prepare(body, taken)
    return new Set(values.map(({ digest }) => digest))
  }

  async #prepare(body: OfferedBody, taken: OfferedBody["keptOut"]): Promise<void> {
    const { owner, adapter, count, changed, region } = body
    const batch = { key: region, writer: body.peer.id, adapter, count, changed }
    const named = new Map(taken.map(({ position, values }) => [position, digestsOf(values)]))
    const given = new Map(taken.flatMap(({ values }) => values.map((one) => [one.digest, one])))
    await this.#large.prepare(owner, batch, named, async (digests) => {
      return digests.map((digest) => given.get(digest)).filter((one) => one !== undefined)
    })
    const failed = this.#large.readyFor(owner, region)?.failed
    if (failed === undefined) return
    this.#large.release(owner)
    throw new PosternError(failed)
  }

  offer(body: OfferedBody): BodyOffered {
    const offered = this.#offer(body)
    const comesAgain = offered.kind === "full" && offered.delayMs === 0
    if (!comesAgain) this.#large.release(body.owner)
    return offered
  }

  #offer(body: OfferedBody): BodyOffered {
    const { peer, adapter, region, count, kept } = body
    const grant = this.#world.grant(peer.id)
    if (grant === undefined) return { kind: "refused", code: "NOT_GRANTED" }
    const refusal = this.#refusal(sizeOf(body), grant)
    if (refusal !== undefined) return refusal
    const stream = this.#adapterStream(peer, adapter)
    if (kept.size > 0 && this.#large.isStale(body.owner)) return { kind: "stale" }
    const large = this.#large.readyFor(body.owner, region)?.rows
    if (!this.#reception.load(region, count)) return { kind: "refused", code: "FRAME_SYNTAX" }
    const { examination } = this.#reception
    examination.judgeBody(count, grant, body.tooLarge, (digest) => kept.has(digest))
    const repeats = body.isNumbered ? undefined : new Repeats(this.#recentIds, examination, body)
    repeats?.leaveOut(count)
    const batch = {
      count,
      writer: peer.id,
      adapter,
      changed: body.changed,
      ...(large && { large }),
    }
    if (!this.#reception.sift(batch)) return { kind: "full", delayMs: 0 }
    repeats?.refuseCopies()
    const refused = examination.refused(count)
    const positions: number[] = []
    const taken = examination.compact(count, (row) => positions.push(row) > 0)
    const placed = this.#reception.place(taken, new Uint8Array(32), {
      open: stream.open,
      sequence: stream.next,
      events: taken,
      changed: body.changed,
      kind: batchKind.serverMade,
      owner: body.owner,
    })
    const duplicates = repeats?.placed(positions, placed.first) ?? []
    const altered = this.#world.policy
      .placed(peer.id, { count: taken, first: placed.first })
      .map((one) => ({ ...one, position: positions[one.position] ?? 0 }))
    advanceStream(stream, placed, this.#world.clock.milliseconds())
    this.#reception.spent(grant, count, region.length + keptBytes(body))
    const faults = refused.filter(({ code }) => code !== "EVENT_NOT_KEPT")
    if (faults.length > 0)
      this.#world.refusals.report(peer, faults[0]?.code ?? "EVENT_SYNTAX", { refused: faults })
    if (repeats?.reused !== undefined) this.#recordReuse(peer, repeats.reused)
    const { first, accepted } = placed
    return { kind: "placed", first, accepted, refused, altered, duplicates }
  }

  /** Why a body of so many events and bytes would not be taken now; undefined if it would. */
  refusal(
    { id }: SessionPeer,
    adapter: Adapter,
    count: number,
    bytes: number,
  ): Refused | undefined {
    const grant = this.#world.grant(id)
    if (grant === undefined) return { kind: "refused", code: "NOT_GRANTED" }
    return this.#refusal({ adapter, count, bytes }, grant)
  }

  #refusal(
    { adapter, count, bytes }: { adapter: Adapter; count: number; bytes: number },
    grant: WriterGrant,
  ): Refused | undefined {
    if (!grant.adapters.has(adapter)) return { kind: "refused", code: "ADAPTER_NOT_GRANTED" }
    return this.#reception.full(grant, count + 1, bytes + ownBytesMax)
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

function sizeOf({ adapter, count, region }: OfferedBody) {
  return { adapter, count, bytes: region.length }
}

function digestsOf(values: OfferedBody["keptOut"][number]["values"]): string[] {
  return values.map(({ digest }) => digest)
}

function keptBytes({ keptOut, kept }: OfferedBody): number {
  let bytes = 0
  for (const { values } of keptOut) {
    for (const { json, digest } of values) if (kept.has(digest)) bytes += json.length
  }
  return bytes
}
