import { equalBytes } from "@postern/log/base"
import { type Head, type SlotPlan, segmentPath } from "../../packages/server/dist/disk/index.js"
import { Decisions } from "../crash/decisions.ts"
import { drawEvents } from "./batches.ts"
import { compareFollower } from "./comparison.ts"
import { drawFaults, type LifeFaults, noFaults } from "./faults.ts"
import { Model } from "./model.ts"
import { codeOf, leavesOf, openPortLife, type PortLife, type Witness } from "./port-life.ts"
import { SimulatedClock } from "./simulated-clock.ts"
import { type Life, SimulatedDisk } from "./simulated-disk.ts"

export const logPath = "/data/log"
const operationsUsual = 900

/** How one life of the port is to go. */
export interface LifePlan {
  readonly faults: LifeFaults
  /** Whether writers come; otherwise the log is opened, read and closed. */
  readonly works: boolean
}

export const soundLife: LifePlan = { faults: noFaults, works: false }

/** A log from its first entry through several lives, all of it decided by one seed. */
export class Run {
  readonly decisions: Decisions
  readonly disk: SimulatedDisk
  readonly model = new Model()
  /** Most runs roll every few slots; some have room for zeros to be written ahead. */
  readonly segmentBytesMax: number
  lives = 0
  powerLosses = 0
  acknowledged = 0
  readonly #clock: SimulatedClock
  readonly #isLarge: boolean
  /** Of each stream: the indexes behind its batches, and the sequence after them. */
  readonly #streams = new Map<number, { end: number; next: number }[]>()

  constructor(seed: number) {
    this.decisions = new Decisions(seed)
    this.disk = new SimulatedDisk(this.decisions.apart("disk"))
    this.#clock = new SimulatedClock(this.decisions.apart("clock"))
    this.#isLarge = this.decisions.chance(0.06)
    this.segmentBytesMax = this.#isLarge
      ? 12 * 1024 * 1024
      : this.decisions.pick([16_384, 65_536, 262_144])
  }

  get segments(): number {
    return [...this.disk.root.files()].filter(([path]) => path.endsWith(".start")).length
  }

  /** Lives with work and faults, each ended by the loss of the process or of the whole machine. */
  async livesWithFaults(count: number, lies = false): Promise<void> {
    for (let i = 0; i < count && this.model.faults.length === 0; i++) {
      const faults = { ...drawFaults(this.decisions, operationsUsual), lies }
      await this.live({ faults, works: true })
      if (this.decisions.chance(0.6)) this.#losePower()
      else this.disk.kill()
    }
  }

  #losePower(): void {
    this.powerLosses += 1
    this.disk.losePower(this.decisions.pick([0, 0.1, 0.5, 0.9, 1]))
  }

  /** One life of the port: recovery, work, and whatever end was decided for it. What ended it, if it did not end well. */
  async live(plan: LifePlan): Promise<unknown> {
    this.lives += 1
    const files = this.disk.begin(plan.faults)
    let failed: (error: unknown) => void = () => undefined
    const fatal = new Promise((resolve) => {
      failed = resolve
    })
    const ended = this.#course(files, plan, failed).then(() => undefined, failed)
    const end = await Promise.race([ended.then(() => fatalOr(fatal)), fatal, files.crashed])
    this.disk.kill()
    if (end === "crashed" || end === undefined) return undefined
    if (plan !== soundLife) this.#mustBeTheDisk(end, files)
    return end
  }

  async #course(files: Life, plan: LifePlan, fatal: (error: unknown) => void): Promise<void> {
    const witness = this.#witness(files, fatal)
    const port = await openPortLife(logPath, files, this.#clock, this.segmentBytesMax, witness)
    if (!files.alive) return
    const { size, root } = port.store.end
    this.model.recovered(size, root)
    this.#checkStreams(port, size)
    await port.durable()
    await this.#compare(files)
    if (plan.works) await this.#work(port, files)
    await port.end()
    await this.#compare(files, 300)
    if (files.openFiles !== 0) this.model.fault(`${files.openFiles} files were left open`)
  }

  async #compare(files: Life, entries?: number): Promise<void> {
    const differences = await compareFollower(logPath, files, this.model, entries)
    if (files.alive) for (const difference of differences) this.model.fault(difference)
  }

  /** Only a disk that refused something may end a life, and it must be said to be the disk. */
  #mustBeTheDisk(error: unknown, files: Life): void {
    const code = codeOf(error)
    if (files.faulty && ["DISK_FAILED", "DISK_FULL", "EIO"].includes(code)) return
    const stack = error instanceof Error ? (error.stack ?? "") : ""
    this.model.fault(`a life ended with ${code}: ${stack}`)
  }

  #witness(files: Life, fatal: (error: unknown) => void): Witness {
    const { model } = this
    let head: Head | undefined
    const whileAlive = <Args extends unknown[]>(tell: (...args: Args) => void) => {
      return (...args: Args): void => {
        if (files.alive) tell(...args)
      }
    }
    return {
      planned: whileAlive((plan) => {
        model.planned({ first: plan.first, leaves: leavesOf(plan) })
      }),
      advanced: whileAlive((advanced, plan) => {
        head = advanced
        this.#mustBeStable(advanced, plan)
        model.promise(advanced.size)
      }),
      acknowledged: whileAlive((batch) => {
        const end = batch.first + batch.accepted
        if ((head?.size ?? 0) < end) model.fault(`${end} was acknowledged before it was shown`)
        this.acknowledged += batch.accepted
        const known = this.#streams.get(batch.open) ?? []
        this.#streams.set(batch.open, known)
        known.push({ end, next: batch.sequence + batch.events })
      }),
      signing: whileAlive((size, root) => {
        const text = this.disk.stableFile(`${logPath}/last-signed`)?.stable.toString() ?? ""
        if (!text.startsWith(`{"size":${size},`)) model.fault(`${size} signed before remembered`)
        if ((head?.size ?? model.promised) < size) model.fault(`${size} signed before durable`)
        model.sign(size, root)
      }),
      fatal: whileAlive(fatal),
    }
  }

  /** What followers are told of must be on the medium, under a name that stays. */
  #mustBeStable({ segment, end, size }: Head, { bytes }: SlotPlan): void {
    const file = this.disk.stableFile(segmentPath(logPath, segment, "seg"))
    const start = this.disk.stableFile(segmentPath(logPath, segment, "start"))
    const slot = file?.stable.subarray(end - bytes.length, end)
    if (start === undefined || slot === undefined || !equalBytes(slot, bytes)) {
      this.model.fault(`the head moved to ${size} before its slot was on the medium`)
    }
  }

  /** Streams stand where the last entry of theirs that is there leaves them. */
  #checkStreams({ restored }: PortLife, size: number): void {
    for (const { open, next } of restored) {
      const batches = (this.#streams.get(open) ?? []).filter(({ end }) => end <= size)
      const least = Math.max(0, ...batches.map((batch) => batch.next))
      if (next < least) this.model.fault(`stream ${open} went back from ${least} to ${next}`)
    }
    const there = new Set(restored.map(({ open }) => open))
    for (const open of this.#streams.keys()) {
      if (!there.has(open)) this.model.fault(`stream ${open} is gone`)
    }
  }

  async #work(port: PortLife, files: Life): Promise<void> {
    const { decisions } = this
    const ids = ["a", "b"].map((letter) => letter.repeat(32))
    const streams = ids.map((id) => port.openStream(id))
    const steps = decisions.between(3, 40)
    for (let step = 0; step < steps && files.alive; step++) {
      const name = `${this.lives}.${step}`
      const stream = decisions.pick(streams)
      const events = drawEvents(decisions, name, this.#isLarge)
      while (!port.place(stream, events)) await port.durable()
      if (decisions.chance(0.6)) await port.durable()
      if (decisions.chance(0.15)) void port.checkpoints.publish()
      if (decisions.chance(0.1)) await port.checkpoints.publish()
      if (decisions.chance(0.04)) await this.#compare(files, 300)
    }
  }
}

/** What was fatal, if anything was; a life that ended well has told by now. */
function fatalOr(fatal: Promise<unknown>): Promise<unknown> {
  return Promise.race([fatal, Promise.resolve(undefined)])
}
