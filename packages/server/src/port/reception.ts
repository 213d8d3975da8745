import { disclosableKeys, eventKeys } from "@postern/log/event"
import type { WriterGrant } from "../access/index.ts"
import type { Clock } from "./clock.ts"
import type { CommitLoop } from "./commit-loop.ts"
import type { Counters } from "./counters.ts"
import { Examination } from "./examination.ts"
import type { OwnStream } from "./own-stream.ts"
import type { BatchToSift } from "./policy/index.ts"
import type { PolicyAtWork } from "./policy-at-work.ts"
import { RateLimit } from "./rate-limit.ts"
import type { PortMemory, Sequencer } from "./sequencer/index.ts"
import type { BatchOwner, Offered } from "./session/index.ts"
import type { SlotOwner } from "./slot-owner.ts"

export interface ReceptionWorld {
  readonly memory: PortMemory
  readonly sequencer: Sequencer<SlotOwner>
  readonly own: Pick<OwnStream, "isWaiting">
  readonly commits: CommitLoop
  readonly clock: Clock
  readonly counters: Counters
  readonly policy: PolicyAtWork
}

const bracketOpen = 0x5b
/** Enough to tell a salt and a name. */
const textBytesMax = 256
/** In quotes, without escapes. */
const saltPattern = /^"[ !#-[\]-~]{22,128}"$/

/** What every batch goes through, whatever it came through: rate and room, the core's memory, a place in the open slot. */
export class Reception {
  readonly examination: Examination
  readonly #world: ReceptionWorld
  readonly #rates = new RateLimit()

  constructor(world: ReceptionWorld) {
    this.#world = world
    this.examination = new Examination(world.memory)
  }

  full(
    grant: WriterGrant,
    events: number,
    bytes: number,
  ): Extract<Offered, { kind: "full" }> | undefined {
    const delayMs = this.#rates.waitMs(grant, this.#world.clock.milliseconds())
    if (delayMs > 0) return { kind: "full", delayMs }
    const { own, sequencer } = this.#world
    const fits = !own.isWaiting && sequencer.fits(events, bytes)
    return fits ? undefined : { kind: "full", delayMs: 0 }
  }

  /** Puts a region of events where they are looked at. False if it is not exactly `count` events. */
  load(region: Uint8Array, count: number): boolean {
    const { core, body } = this.#world.memory
    core.memory.set(region, body)
    return this.examination.split(body, body + region.length, count)
  }

  /** Whether a writer's disclosure is one (docs/spec/disclosures.md): of a member that may be kept out, with a value of its type. */
  isDisclosure(json: Uint8Array): boolean {
    const { core, body, spans, spansMax } = this.#world.memory
    core.memory.set(json, body)
    const end = body + json.length
    if (core.memory[body] !== bracketOpen) return false
    if (core.members(body, end, spans, spansMax) !== 3) return false
    const words = new Uint32Array(core.memory.buffer, core.memory.byteOffset + spans, 12)
    const textAt = (i: number): string => {
      const at = words[4 * i + 2] ?? 0
      const bytes = core.memory.subarray(at, at + Math.min(words[4 * i + 3] ?? 0, textBytesMax))
      return Buffer.from(bytes).toString("latin1")
    }
    if (!saltPattern.test(textAt(0))) return false
    const name = textAt(1).slice(1, -1) as keyof typeof eventKeys
    return disclosableKeys.has(name) && textAt(2)[0] === (eventKeys[name] === "object" ? "{" : "[")
  }

  /** Applies the policy to rows that were examined. False if what is kept is more than came, and finds no room: as if nothing had been done. */
  sift(batch: BatchToSift): boolean {
    const { policy, sequencer } = this.#world
    const bytes = policy.sift(batch)
    if (sequencer.fits(batch.count, bytes)) return true
    policy.undo()
    return false
  }

  place(
    count: number,
    digest: Uint8Array,
    what: {
      open: number
      sequence: number
      events: number
      changed: number
      kind: number
      owner: BatchOwner
    },
  ): ReturnType<Sequencer<SlotOwner>["place"]> {
    const { sequencer, clock, commits } = this.#world
    const received = clock.microseconds()
    const placed = sequencer.place({ ...what, count, received, seed: clock.seed(), digest })
    commits.kick()
    return placed
  }

  spent(grant: WriterGrant, events: number, bytes: number): void {
    const { clock, counters } = this.#world
    this.#rates.spend(grant, events, bytes, clock.milliseconds())
    counters.events += events
    counters.bytes += bytes
    counters.batches += 1
  }
}
