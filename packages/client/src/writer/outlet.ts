import type { Line } from "./line.ts"

/** Writes to the socket: one record of TLS costs the port as much as fifty small events. */
const writeBytes = 65_536

/** What goes into one line: frames of the spool in large writes, and what is said beside them, but never within a disclosure. */
export class Outlet {
  readonly #line: Line
  #gathered: Uint8Array[] = []
  #gatheredBytes = 0
  readonly #deferred: Uint8Array[] = []
  #isMidDisclosure = false

  constructor(line: Line) {
    this.#line = line
  }

  /** There is enough for a write. */
  get isFull(): boolean {
    return this.#gatheredBytes >= writeBytes
  }

  /** @param isMidDisclosure nothing but the rest of a disclosure may follow */
  gather(frame: Uint8Array, isMidDisclosure: boolean): void {
    this.#isMidDisclosure = isMidDisclosure
    const frames = isMidDisclosure ? [frame] : [frame, ...this.#deferred.splice(0)]
    for (const each of frames) {
      this.#gathered.push(each)
      this.#gatheredBytes += each.length
    }
  }

  /** Writes what was gathered; false if the line is not to be written to for a while. */
  flush(): boolean {
    if (this.#gatheredBytes === 0) return true
    const isOpen = this.#line.send(Buffer.concat(this.#gathered, this.#gatheredBytes))
    this.#gathered = []
    this.#gatheredBytes = 0
    return isOpen
  }

  /** Says something at once, or as soon as it may be said. */
  send(frame: Uint8Array): void {
    if (this.#isMidDisclosure) this.#deferred.push(frame)
    else this.#line.send(frame)
  }
}
