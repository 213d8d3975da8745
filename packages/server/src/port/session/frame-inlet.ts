import { limits, PosternError } from "@postern/log/base"
import { type Frame, FrameReader, frameHeaderBytes } from "@postern/log/wire"
import { creditFrame } from "./answers.ts"
import { CreditAccount } from "./credit-account.ts"
import type { CreditPool } from "./credit-pool.ts"
import type { SessionLine } from "./intake.ts"

/** Where frames that span chunks are gathered: one at a time is looked at, whosoever it is. */
const gathered = new Uint8Array(limits.frameBytesMax)
/** Credit that is given back between acknowledgements is told when it is so much: less than the smallest window. */
const creditBytesTold = limits.creditBytesStart / 4

/** Bytes of one connection in, whole frames out, and no more of them than it has credit for. */
export class FrameInlet {
  readonly #line: SessionLine
  readonly #credit: CreditAccount
  readonly #reader = new FrameReader({ assembly: gathered })
  #toldCredit: number
  #frames = 0
  /** A frame that is to be handled again, and the one that is handled again now: its bytes are spent. */
  #held: Frame | undefined
  #spent: Frame | undefined
  /** Nothing is read until the pool has room for the frame that has begun. */
  #paused = false

  /** @param pool gives the first window, if it has it: `isOpen` says whether */
  constructor(pool: CreditPool, line: SessionLine) {
    this.#line = line
    this.#credit = new CreditAccount(pool)
    this.#toldCredit = this.#credit.granted
  }

  get isOpen(): boolean {
    return this.#credit.isOpen
  }

  /** Nothing is read, for want of room. */
  get isPaused(): boolean {
    return this.#paused
  }

  get pendingBytes(): number {
    return this.#reader.pendingBytes
  }

  /** Bytes that the writer may have sent in all. It is told so by whoever asks. */
  tellCredit(): number {
    this.#toldCredit = this.#credit.granted
    return this.#toldCredit
  }

  /** Errors: CREDIT_EXCEEDED. Whoever keeps to its credit has at most begun one frame more than was granted. */
  push(chunk: Uint8Array): void {
    this.#reader.push(chunk)
    const beyond = this.#credit.beyond(this.#reader.pendingBytes)
    if (beyond > limits.frameBytesMax) throw new PosternError("CREDIT_EXCEEDED")
  }

  /** How many frames have arrived whole. */
  get frames(): number {
    return this.#frames
  }

  /** @param isContinued the next frame belongs to the one before and does not count */
  take(isContinued: boolean): Frame | undefined {
    this.#spent = this.#held
    this.#held = undefined
    const frame = this.#spent ?? this.#reader.take()
    if (frame !== undefined && this.#spent === undefined && !isContinued) this.#frames += 1
    return frame
  }

  /** The frame is to be handled another time. The memory where frames are gathered is everybody's: it is kept apart. */
  hold({ type, body }: Frame): void {
    this.#held = { type, body: new Uint8Array(body) }
  }

  /**
   * A frame that has begun and goes beyond the window gets its room whole, and so does what has come while frames wait;
   * until it is there nothing more is read.
   */
  makeRoom(): void {
    const { pendingBytes, unfinishedBytes } = this.#reader
    if (!this.isOpen || this.#paused) return
    const beyond = this.#credit.beyond(Math.max(pendingBytes, unfinishedBytes))
    this.#paused = !this.#credit.overdraw(beyond, () => {
      this.#paused = false
      this.#line.resume()
    })
    if (this.#paused) this.#line.pause()
  }

  /** A frame that costs credit; gives its bytes. Errors: CREDIT_EXCEEDED if it was begun without. */
  spend(frame: Frame): number {
    const bytes = frameHeaderBytes + frame.body.length
    if (frame !== this.#spent && !this.#credit.receive(bytes))
      throw new PosternError("CREDIT_EXCEEDED")
    return bytes
  }

  /** Bytes that were spent are given back with the acknowledgement of a batch. */
  place(bytes: number): void {
    this.#credit.place(bytes)
  }

  /** So many of the oldest batches are durable. */
  grant(batches: number): void {
    this.#credit.grant(batches, this.#reader.unfinishedBytes)
  }

  /** Bytes that were spent are held no longer. */
  free(bytes: number): void {
    this.#credit.free(bytes, this.#reader.unfinishedBytes)
    if (this.#credit.granted - this.#toldCredit < creditBytesTold) return
    this.#line.send(creditFrame(this.tellCredit()))
  }

  close(): void {
    this.#credit.close()
  }
}
