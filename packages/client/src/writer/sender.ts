import { mkdirSync } from "node:fs"
import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import { receiptFileOf } from "@postern/log/evidence"
import type { ProfileHolder } from "../renewal/index.ts"
import { Auditor } from "./auditor.ts"
import { keepBadReceipt } from "./bad-receipt.ts"
import { prove } from "./confirmations.ts"
import { Connection } from "./connection.ts"
import { type Delivered, Delivery } from "./delivery.ts"
import type { FrameStore } from "./frame-store.ts"
import { LogKeys } from "./log-keys.ts"
import { SideTalks } from "./side-talks.ts"
import type { World } from "./world.ts"
import { WriterRenewal } from "./writer-renewal.ts"

export interface SenderEvents {
  /** The port has answered for a frame, in the order of the stream, just before the store settles it. */
  delivered(delivered: Delivered): void
  /** Frames were settled. */
  settled(): void
  tell(code: ErrorCode, detail: string | undefined, events: number): void
}

/** Receipts are checked at most so often. */
const sampleMs = 1_000

/**
 * Delivers the frames of a store that somebody else keeps, on one connection after the other, and looks after the log as a Writer does.
 * What is in the store at the start is sent again, whether the port has it or not: only an acknowledgement says which events were refused.
 */
export class Sender {
  readonly #world: World
  readonly #directory: string
  readonly #events: SenderEvents
  readonly #auditor: Auditor
  readonly #renewal: WriterRenewal
  readonly #connection: Connection
  #sampledMs = Number.NEGATIVE_INFINITY

  /** @param directory where is kept what is known of the log, and evidence; made if it is not there */
  constructor(
    holder: ProfileHolder,
    store: FrameStore,
    directory: string,
    world: World,
    events: SenderEvents,
  ) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#world = world
    this.#directory = directory
    this.#events = events
    const tell = (code: ErrorCode, detail: string): void => events.tell(code, detail, 0)
    const keys = new LogKeys(directory, tell)
    this.#auditor = new Auditor(directory, world, keys, { tell, awaited: () => undefined })
    this.#renewal = new WriterRenewal(holder, world, tell)
    const delivery = new Delivery(store, world, keys, {
      wants: () => true,
      awaited: () => store.anchor.position,
      delivered: (delivered) => this.#delivered(delivered),
      settled: () => events.settled(),
      damaged: ({ events: lost }) => events.tell("SPOOL_DAMAGED", undefined, lost),
    })
    const talks = new SideTalks(this.#auditor, this.#renewal)
    const acked = store.anchor.position
    const ready = (): void => undefined
    this.#connection = new Connection(delivery, acked, () => holder.read(), world, talks, {
      ...{ ready, tell },
    })
  }

  /** The stream is open. */
  get isOpen(): boolean {
    return this.#connection.isOpen
  }

  start(): void {
    this.#connection.start()
  }

  /** There is something new in the store. */
  wake(): void {
    this.#connection.wake()
  }

  /** Ends the connection; the stream goes on with whoever has the store next. Never rejects for what the port does. */
  async close(): Promise<void> {
    await this.#renewal.stop(0)
    await this.#connection.end()
    await this.#auditor.stop(new PosternError("UNREACHABLE", "the sender was closed"))
  }

  #delivered(delivered: Delivered): void {
    this.#events.delivered(delivered)
    if (delivered.frame.kind !== "batch") return
    this.#auditor.acknowledged()
    const now = this.#world.nowMs()
    if (delivered.region === undefined || now - this.#sampledMs < sampleMs) return
    this.#sampledMs = now
    this.#check(delivered).catch((error) => this.#events.tell("RECEIPT_INVALID", String(error), 0))
  }

  /** One receipt is held against what was sent, and one entry of its batch, by chance, is looked for in the log later. */
  async #check(delivered: Delivered): Promise<void> {
    const proof = await prove(delivered)
    if (isPosternError(proof)) {
      if (proof.code !== "RECEIPT_GONE") this.#doubt(delivered, proof)
      return
    }
    const at = Math.floor(this.#world.random() * proof.leaves.length)
    const { certificate = "" } = delivered.receiptKey ?? {}
    this.#auditor.remember(receiptFileOf(proof, proof.firstIndex + at, certificate))
  }

  #doubt(delivered: Delivered, { code, detail }: PosternError): void {
    const kept = keepBadReceipt(this.#directory, delivered)
    const known = code === "NOTE_INVALID" ? code : "RECEIPT_INVALID"
    const said = [detail, kept && `see ${kept}`].filter(Boolean).join("; ")
    this.#events.tell(known, said, delivered.frame.count)
  }
}
