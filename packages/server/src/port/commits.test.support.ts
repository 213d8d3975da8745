import { generateKeyPairSync } from "node:crypto"
import { PosternError } from "@postern/log/base"
import type { Head, LogStore, SlotPlan } from "../disk/index.ts"
import { noPeaks } from "../disk/slots.test.support.ts"
import { CommitLoop } from "./commit-loop.ts"
import { startCounters } from "./counters.ts"
import { Sequencer, StreamTable } from "./sequencer/index.ts"
import { batchOf, memory, place } from "./sequencer/placing.test.support.ts"
import type { DurableBatch, DurableSlot } from "./session/index.ts"
import { openKeyFile, openSigner, type Signer } from "./signer/index.ts"
import type { SlotOwner } from "./slot-owner.ts"

export const origin = "commits.test/log"

export function newSigner(): Promise<Signer> {
  const pem = () => {
    const { privateKey } = generateKeyPairSync("ed25519")
    return privateKey.export({ type: "pkcs8", format: "pem" }).toString()
  }
  return openSigner(origin, openKeyFile(origin, pem()), pem())
}

/** Something that is awaited until a test says how it ends. */
export class Pending {
  readonly promise: Promise<void>
  resolve: () => void = () => undefined
  reject: (error: Error) => void = () => undefined

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

/** A disk on which nothing happens until the test lets it. */
export class SlowDisk {
  readonly said: string[]
  readonly writes: { readonly plan: SlotPlan; readonly pending: Pending }[] = []
  readonly rolls: Pending[] = []
  /** Whether the next slot goes into the open segment. */
  hasRoom = true
  #wake: () => void = () => undefined

  constructor(said: string[]) {
    this.said = said
  }

  recoveredHead = () => undefined
  fits = () => this.hasRoom
  headOf = ({ slot, first, entries, root, time }: SlotPlan): Head => {
    return { slot, size: first + entries, root, time, segment: 0, end: 0, minimum: 0 }
  }
  advance = (head: Head) => void this.said.push(`head ${head.size}`)

  commit = async (plan: SlotPlan): Promise<void> => {
    const pending = new Pending()
    this.writes.push({ plan, pending })
    this.#wake()
    await pending.promise
    this.said.push(`durable ${plan.slot}`)
  }

  roll = async (): Promise<void> => {
    const pending = new Pending()
    this.rolls.push(pending)
    this.#wake()
    await pending.promise
    this.hasRoom = true
    this.said.push("rolled")
  }

  /** Resolves once so many writes or rolls have been asked for. */
  async asked(list: "writes" | "rolls", count: number): Promise<void> {
    while (this[list].length < count) {
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
}

/** A commit loop over a real sequencer, with everything that it does in the order in which it does it. */
export async function openCommits(signer?: Signer) {
  const said: string[] = []
  const disk = new SlowDisk(said)
  const end = { slot: 0, size: 0, previous: new Uint8Array(32), frontier: noPeaks }
  const sequencer = new Sequencer<SlotOwner>(memory, end)
  const streams = new StreamTable()
  const fatal: unknown[] = []
  /** Values beside the log, which have something to write when a test says so. */
  const sealed = {
    pending: false,
    failures: [] as Error[],
    async flush() {
      const failure = sealed.failures.shift()
      said.push(failure === undefined ? "values kept" : "values not kept")
      if (failure !== undefined) throw failure
      sealed.pending = false
    },
  }
  const commits = new CommitLoop(
    {
      sequencer,
      store: disk as unknown as LogStore,
      signer: signer ?? (await newSigner()),
      streams,
      clock: { ...clock, milliseconds: () => 42 },
      counters: startCounters(),
      sealed: () => sealed,
      roomAppeared: () => void said.push("room"),
      fatal: (error) => void fatal.push(error),
    },
    new Uint8Array(0),
  )
  /** Somebody who places batches and notes what is said to him. */
  const owner = (name: string) => {
    const notes: DurableSlot[] = []
    return {
      notes,
      durable: (batch: DurableBatch) => void said.push(`${name} has ${batch.first}`),
      flush: (slot: DurableSlot) => {
        notes.push(slot)
        said.push(`${name} flushed`)
      },
      resume: () => undefined,
      superseded: () => undefined,
    }
  }
  const put = (who: SlotOwner, refused: readonly number[] = []) => {
    const placed = place(sequencer, batchOf({ refused }), who)
    commits.kick()
    return placed
  }
  /** Resolves once so many things were said in all. */
  const heard = async (count: number): Promise<void> => {
    while (said.length < count) await new Promise((wake) => setImmediate(wake))
  }
  return { commits, disk, said, heard, sequencer, streams, fatal, sealed, owner, put }
}

export const clock = {
  milliseconds: () => Date.now(),
  microseconds: () => 1_764_000_000_000_000,
  seed: () => new Uint8Array(16).fill(1),
  eventId: () => "id",
}

export function diskFull(): PosternError {
  return new PosternError("DISK_FULL", "ENOSPC")
}

/** Everything that is due in this turn of the loop, and the pool's answers of a few turns more. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((wake) => setImmediate(wake))
}
