import type { Readable } from "node:stream"
import type { Format } from "../formats/index.ts"
import { Decoding } from "./decoding.ts"
import type { Inlet } from "./inlet.ts"
import type { Outgoing } from "./pressure/index.ts"
import {
  LineSplitter,
  OctetSplitter,
  type RecordSink,
  recordBytesMax,
  type Splitter,
} from "./records/index.ts"

const idleMs = 1_000

export interface StreamOptions {
  /** Stands in what is said of it. */
  readonly name: string
  readonly source: string
  readonly format: Format | undefined
  readonly framing: "lines" | "octets"
}

/** One stream of records: a connection, or standard input. Reads as long as there is room, and a little longer. */
export class ByteStream {
  readonly #stream: Readable
  readonly #inlet: Inlet
  readonly #options: StreamOptions
  readonly #decoding: Decoding
  readonly #splitter: Splitter
  #items: Outgoing[] = []
  #heardMs = Date.now()
  /** Since the decoder was told to give what it holds. */
  #hasMore = false
  #isOver = false

  /** @param ended once, when nothing comes any more */
  constructor(stream: Readable, inlet: Inlet, options: StreamOptions, ended: () => void) {
    this.#stream = stream
    this.#inlet = inlet
    this.#options = options
    this.#decoding = new Decoding(options.source, options.format, (event) => {
      this.#items.push(event)
    })
    const sink: RecordSink = {
      record: (bytes) => this.#decoding.take(bytes),
      tooLong: (bytes) => {
        const reason = `a record of ${bytes} bytes on ${options.name}; ${recordBytesMax} are taken`
        this.#items.push({ lost: 1, reason })
      },
    }
    this.#splitter = options.framing === "lines" ? new LineSplitter(sink) : new OctetSplitter(sink)
    let failure: unknown
    stream.on("data", (chunk: Buffer) => this.#hear(chunk))
    stream.on("error", (error) => {
      failure = error
    })
    stream.once("close", () => {
      this.end(failure !== undefined)
      ended()
    })
  }

  #hear(chunk: Buffer): void {
    if (this.#isOver) return
    this.#heardMs = Date.now()
    this.#hasMore = true
    this.#decoding.stamp()
    this.#splitter.push(chunk)
    this.#handOn()
    if (!this.#inlet.isHolding) return
    this.#stream.pause()
    this.#inlet.whenOpen(() => this.#stream.resume())
  }

  #handOn(): void {
    const items = this.#items
    this.#items = []
    this.#inlet.add(items)
  }

  /** To be called now and then: a decoder that waits for more gives what it has. */
  look(): void {
    if (!this.#hasMore || Date.now() - this.#heardMs < idleMs) return
    this.#hasMore = false
    this.#decoding.end()
    this.#handOn()
  }

  /** What is there of a record is one, as far as it came. @param isCut the other side did not end it, so more may have been under way */
  end(isCut: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#splitter.end()
    this.#decoding.end()
    if (isCut) {
      const reason = `a connection on ${this.#options.name} was cut; unknown what was under way`
      this.#items.push({ lost: 1, reason })
    }
    this.#handOn()
  }
}
