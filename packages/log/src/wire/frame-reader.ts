import { limits, PosternError } from "../base/index.ts"
import {
  type Frame,
  type FrameType,
  frameHeaderBytes,
  frameKind,
  lengthFieldBytes,
} from "./frame.ts"
import { readU32 } from "./integers.ts"

/** Chunks this many and this short on average are joined: a peer may send its bytes one by one. */
const looseChunksMax = 64
const looseChunkBytes = 1024

/**
 * Cuts a byte stream into frames, however the network chunked it. Chunks are hostile; a header is judged as soon as its
 * bytes are there: FRAME_LENGTH, FRAME_TYPE or FRAME_SYNTAX (flags). After an error the stream has no meaning any more
 * and every further call throws the same error.
 *
 * The reader keeps the chunks it is given until their bytes are taken (do not write to them): an unfinished frame costs
 * what has arrived of it, whatever length it announces. A body that lies within one chunk is a view of that chunk; one
 * that spans chunks is gathered once, when it is whole, into memory of its own, or into `assembly` if that was given.
 */
export class FrameReader implements Iterable<Frame> {
  #chunks: Uint8Array[] = []
  /** Where in the first chunk the unread bytes begin. */
  #at = 0
  #pendingBytes = 0
  #unfinishedBytes = 0
  readonly #assembly: Uint8Array | undefined
  #failure: PosternError | undefined

  /**
   * @param options assembly: at least a frame's length, may be shared by many readers; what is gathered there holds
   *   until anybody takes the next frame
   */
  constructor(options: { readonly assembly?: Uint8Array } = {}) {
    this.#assembly = options.assembly
  }

  /** Bytes that were pushed and not yet taken as frames, those of the unfinished frame included. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Length of the frame that has begun and is not whole, as its header says; 0 if there is none or its length is not there yet. */
  get unfinishedBytes(): number {
    return this.#unfinishedBytes
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#pendingBytes += chunk.length
    const count = this.#chunks.length
    if (count >= looseChunksMax && this.#pendingBytes < count * looseChunkBytes) this.#join()
  }

  /** The next whole frame, undefined if more bytes are needed. Throws PosternError for what is not a frame. */
  take(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      return this.#take()
    } catch (error) {
      if (error instanceof PosternError) this.#failure = error
      throw error
    }
  }

  *[Symbol.iterator](): Iterator<Frame> {
    for (let frame = this.take(); frame !== undefined; frame = this.take()) yield frame
  }

  #take(): Frame | undefined {
    const first = this.#chunks[0]
    if (first === undefined) return undefined
    const inFirst = first.length - this.#at >= frameHeaderBytes
    const headerBytes = Math.min(frameHeaderBytes, this.#pendingBytes)
    const header = inFirst ? first : this.#gather(new Uint8Array(headerBytes), 0)
    const headerAt = inFirst ? this.#at : 0
    const type = checkHeader(header, headerAt, headerBytes)
    if (headerBytes < frameHeaderBytes) return undefined
    const frameBytes = lengthFieldBytes + readU32(header, headerAt)
    if (this.#pendingBytes < frameBytes) {
      this.#unfinishedBytes = frameBytes
      return undefined
    }
    this.#unfinishedBytes = 0
    const body = this.#body(first, frameBytes)
    this.#skip(frameBytes)
    return { type, body }
  }

  #body(first: Uint8Array, frameBytes: number): Uint8Array {
    const end = this.#at + frameBytes
    if (end <= first.length) return first.subarray(this.#at + frameHeaderBytes, end)
    const bytes = frameBytes - frameHeaderBytes
    return this.#gather(
      this.#assembly?.subarray(0, bytes) ?? new Uint8Array(bytes),
      frameHeaderBytes,
    )
  }

  /** Fills `target` with the unread bytes from `from` on; there are enough. */
  #gather(target: Uint8Array, from: number): Uint8Array {
    let filled = 0
    let skip = this.#at + from
    for (const chunk of this.#chunks) {
      if (filled === target.length) break
      if (skip >= chunk.length) {
        skip -= chunk.length
        continue
      }
      const part = chunk.subarray(skip, skip + target.length - filled)
      target.set(part, filled)
      filled += part.length
      skip = 0
    }
    return target
  }

  #skip(bytes: number): void {
    this.#pendingBytes -= bytes
    let at = this.#at + bytes
    let done = 0
    for (
      let chunk = this.#chunks[0];
      chunk !== undefined && at >= chunk.length;
      chunk = this.#chunks[done]
    ) {
      at -= chunk.length
      done += 1
    }
    if (done > 0) this.#chunks.splice(0, done)
    this.#at = at
  }

  #join(): void {
    const joined = this.#gather(new Uint8Array(this.#pendingBytes), 0)
    this.#chunks = [joined]
    this.#at = 0
  }
}

/**
 * Judges the first `have` bytes of a header (fewer than six: what they allow). The type is right if
 * all are there.
 */
function checkHeader(bytes: Uint8Array, at: number, have: number): FrameType {
  const length = have >= 4 ? readU32(bytes, at) : undefined
  if (length !== undefined && length < frameHeaderBytes - lengthFieldBytes) {
    throw new PosternError("FRAME_LENGTH", `its length field says ${length}`)
  }
  if (length !== undefined && length > limits.frameBytesMax - lengthFieldBytes) {
    throw new PosternError("FRAME_LENGTH", `its length field says ${length}`)
  }
  const type = have >= 5 ? (bytes[at + 4] ?? 0) : 1
  const kind = frameKind(type)
  if (kind === undefined) throw new PosternError("FRAME_TYPE", `type ${type}`)
  const bodyBytes = (length ?? 0) + lengthFieldBytes - frameHeaderBytes
  if (have >= 5 && bodyBytes > kind.bodyBytesMax) {
    const detail = `a ${kind.name} body of ${bodyBytes} bytes, at most ${kind.bodyBytesMax}`
    throw new PosternError("FRAME_LENGTH", detail)
  }
  if (have >= 6 && bytes[at + 5] !== 0) {
    throw new PosternError("FRAME_SYNTAX", `${kind.name} with flags ${bytes[at + 5]}, not 0`)
  }
  return kind.type
}
