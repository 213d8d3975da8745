/** A decoder that holds so much is told to give what it has. */
const heldBytesMax = 16 * 1024 * 1024

/**
 * The newest place in a file at which its decoder held nothing. A decoder may join several records into one event, whose original is then
 * all of them: so it holds nothing when the originals that it gave are as long as the records that it took.
 */
export class CleanPoint {
  /** Behind the last record that the decoder took. */
  end: number
  /** Where a new decoder could begin. */
  offset: number
  /** Events since then. */
  skip = 0
  #taken = 0
  #given = 0

  constructor(offset: number) {
    this.end = offset
    this.offset = offset
  }

  /** A record, with its line end: the decoder takes it now. */
  take(bytes: number): void {
    this.end += bytes
    this.#taken += bytes
  }

  /** Bytes that are no record's, or of one that is lost. */
  pass(bytes: number): void {
    this.end += bytes
  }

  /** The decoder gave events, or something was lost. @param bytes of the original, with a line end */
  give(events: number, bytes: number): void {
    this.skip += events
    this.#given += bytes
  }

  /** The decoder has taken a record, and given what it wants to give for now. */
  settle(): void {
    if (this.#given >= this.#taken) this.clear()
  }

  /** The decoder gave everything that it held. */
  clear(): void {
    this.offset = this.end
    this.skip = 0
    this.#taken = 0
    this.#given = 0
  }

  get holds(): boolean {
    return this.#taken > this.#given
  }

  /** It holds too much: it is to give what it has. */
  get isTooMuch(): boolean {
    return this.#taken - this.#given > heldBytesMax
  }
}
