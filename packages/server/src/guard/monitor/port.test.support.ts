import { generateKeyPairSync, sign } from "node:crypto"
import { PosternError } from "@postern/log/base"
import {
  consistencyProof,
  formatNote,
  formatWitnessVkey,
  hashBytes,
  parseNote,
  signCosignature,
  tilePath,
  tileWidth,
  tileWidthMax,
  witnessKeyId,
} from "@postern/log/tlog"
import { entriesOf, type PublishedLog, publish } from "../verify/tiles.test.support.ts"
import { createKey, type Key, origin } from "../verify/written-log.test.support.ts"
import type { AlarmChange, AlarmName } from "./alarm.ts"
import { Memory } from "./memory.ts"
import { Monitor, type MonitorEvent, type MonitoredPort } from "./monitor.ts"
import type { MonitorLimits } from "./monitor-state.ts"
import { type WatchedLog, watchedLog } from "./watched-log.ts"

export const key: Key = createKey(origin)
export const log: WatchedLog = watchedLog({ origin, vkey: key.vkey })
export const limits: MonitorLimits = { silentMs: 30_000, staleMs: 60_000, idleMs: undefined }

/** A read port over a published log in memory; every part of it may be exchanged, by an honest hand or another. */
export class TestPort implements MonitoredPort {
  published: PublishedLog
  size: number
  /** Entries that the port says there are, if more than are published. */
  head = 0
  entries = true
  silent = false
  /** What it gives as the newest checkpoint with the quorum. */
  cosigned: string | undefined
  /** Whether reading an entry makes one. */
  records = true
  proof: (from: number, to: number) => ReturnType<MonitoredPort["consistency"]>
  readonly asked: string[] = []

  private constructor(published: PublishedLog, size: number) {
    this.published = published
    this.size = size
    this.proof = (from, to) =>
      consistencyProof(from, to, (level, first, end) => {
        const index = Math.floor(first / tileWidthMax)
        const width = tileWidth(level, index, this.size)
        const hashes = this.published.files.get(tilePath({ level, index, width }))
        const at = index * tileWidthMax
        return (hashes as Uint8Array).slice((first - at) * hashBytes, (end - at) * hashBytes)
      })
  }

  static async of(size: number, seed = 0): Promise<TestPort> {
    return new TestPort(await publish(entriesOf(size, seed), key), size)
  }

  /** The same log with more entries, whose partial tiles stay; or another one. */
  async show(size: number, seed = 0): Promise<void> {
    const before = this.published.files
    this.published = await publish(entriesOf(size, seed), key)
    this.size = size
    for (const [path, bytes] of seed === 0 ? before : []) {
      if (!this.published.files.has(path)) this.published.files.set(path, bytes)
    }
  }

  async checkpoint(): Promise<string> {
    this.#answer("checkpoint")
    return this.published.note
  }

  async tile(path: string): Promise<Uint8Array> {
    this.#answer(path)
    if (!this.entries && path.startsWith("tile/entries/")) throw new PosternError("NOT_GRANTED")
    return this.published.tile(path)
  }

  async consistency(from: number, to: number): Promise<readonly Uint8Array[] | "none"> {
    this.#answer(`consistency ${from} ${to}`)
    return this.proof(from, to)
  }

  async witnessed(): Promise<string | undefined> {
    this.#answer("witnessed")
    return this.cosigned
  }

  async status(): Promise<{ size: number; entries: boolean }> {
    this.#answer("status")
    return { size: Math.max(this.size, this.head), entries: this.entries }
  }

  async beat(): Promise<void> {
    this.#answer("beat")
    if (this.records) await this.show(this.size + 1)
  }

  #answer(what: string): void {
    if (this.silent) throw new PosternError("UNREACHABLE", "the power is off")
    this.asked.push(what)
  }
}

interface More {
  readonly limits?: Partial<MonitorLimits>
  readonly heartbeatMs?: number
}

/** A monitor over such a port, with its own clock, and what it said. */
export class TestWatch {
  readonly changes: AlarmChange[] = []
  readonly events: MonitorEvent[] = []
  /** What a webhook would not have delivered; and what the memory gave back of it. */
  undelivered: readonly string[] = []
  left: readonly string[] = []
  monitor!: Monitor
  nowMs = Date.parse("2026-11-22T12:00:00Z")
  readonly port: TestPort
  readonly directory: string
  #memory: Memory | undefined

  constructor(port: TestPort, directory: string) {
    this.port = port
    this.directory = directory
  }

  /** A process that begins: with what an earlier one left in the directory. */
  async open(begin = false, more: More = {}, watched = log): Promise<this> {
    this.#memory?.close()
    this.#memory = await Memory.open(this.directory, watched)
    const loaded = await this.#memory.load(new Date(this.nowMs))
    this.left = loaded.remembered.undelivered
    this.monitor = await Monitor.open(
      {
        port: this.port,
        tiles: this.port,
        memory: this.#memory,
        limits: { ...limits, ...more.limits },
        heartbeatMs: more.heartbeatMs,
        now: () => new Date(this.nowMs),
        tell: (event) => void this.events.push(event),
        alarm: (change) => void this.changes.push(change),
        undelivered: () => this.undelivered,
      },
      loaded,
      begin,
    )
    return this
  }

  close(): void {
    this.#memory?.close()
    this.#memory = undefined
  }

  /** A round, and all that it sets going. */
  async round(afterMs = 5_000): Promise<void> {
    this.nowMs += afterMs
    await this.monitor.round()
    await this.monitor.settled()
  }

  /** Alarms that went on or off since this was asked last. */
  said(): string[] {
    return this.changes.splice(0).map(({ alarm, state }) => `${alarm} ${state}`)
  }

  raised(): AlarmName[] {
    return this.monitor.state.raised.map(({ alarm }) => alarm)
  }
}

/** A witness that signs whatever it is shown. */
export function createWitness(name: string) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const raw = new Uint8Array(publicKey.export({ type: "spki", format: "der" }).subarray(-32))
  const signing = (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey))
  const signer = { name, keyId: witnessKeyId(name, raw), sign: signing }
  return {
    vkey: formatWitnessVkey(name, raw),
    async cosign(note: string): Promise<string> {
      const { text, signatures } = parseNote(note)
      const more = await signCosignature(text, 1_764_000_000, signer)
      return formatNote({ text, signatures: [...signatures, more] })
    },
  }
}
