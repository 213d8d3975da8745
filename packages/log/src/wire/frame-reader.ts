import { assert, limits, PosternError } from "../base/index.ts"
import {
  type Frame,
  type FrameType,
  frameHeaderBytes,
  frameKind,
  lengthFieldBytes,
} from "./frame.ts"
import { readU32 } from "./integers.ts"

/**
 * What a frame in the making may take before its bytes have come. A peer that announces 1 MiB and
 * sends nothing costs this much and no more; beyond it, the room at most doubles what has arrived.
 */
const assemblyBytesStart = 65_536
const noBytes = new Uint8Array(0)

/**
 * Cuts a byte stream into frames, however the network chunked it. Chunks are hostile; a header is
 * judged as soon as its bytes are there: FRAME_LENGTH, FRAME_TYPE or FRAME_SYNTAX (flags). After an
 * error the stream has no meaning any more and every further call throws the same error.
 *
 * The reader owns the chunks it is given until their bytes are taken: do not write to them. A body
 * that lies within one chunk is a view of that chunk. One that spans chunks is copied once: to
 * memory of its own or, with `reuseBody`, to memory that the next take() writes over, which spares
 * the port an allocation per frame because it copies the body away at once.
 */
export class FrameReader implements Iterable<Frame> {
  readonly #chunks: Uint8Array[] = []
  /** Where in the first chunk the unread bytes begin. */
  #at = 0
  #pendingBytes = 0
  readonly #header = new Uint8Array(frameHeaderBytes)
  /** Bytes in #header of a frame that does not lie in one chunk; 0 between frames. */
  #headerBytes = 0
  #body = noBytes
  #bodyBytes = 0
  readonly #reuseBody: boolean
  #failure: PosternError | undefined

  constructor(options: { readonly reuseBody?: boolean } = {}) {
    this.#reuseBody = options.reuseBody ?? false
  }

  /** Bytes that were pushed and not yet taken as frames, those of the unfinished frame included. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /**
   * Whether a frame has begun and is not whole yet: the time for a frame's deadline. True only once
   * all whole frames are taken.
   */
  get isPartial(): boolean {
    return this.#headerBytes > 0
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#pendingBytes += chunk.length
  }

  /**
   * The next whole frame, undefined if more bytes are needed. Throws PosternError for what is not a
   * frame.
   */
  take(): Frame | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      const frame = this.#headerBytes === 0 ? this.#takeWithinChunk() : undefined
      return frame ?? this.#takeAcrossChunks()
    } catch (error) {
      if (error instanceof PosternError) this.#failure = error
      throw error
    }
  }

  *[Symbol.iterator](): Iterator<Frame> {
    for (let frame = this.take(); frame !== undefined; frame = this.take()) yield frame
  }

  #takeWithinChunk(): Frame | undefined {
    const chunk = this.#chunks[0]
    if (chunk === undefined) return undefined
    const at = this.#at
    if (chunk.length - at < frameHeaderBytes) return undefined
    const type = checkHeader(chunk, at, frameHeaderBytes)
    const end = at + lengthFieldBytes + readU32(chunk, at)
    if (end >= chunk.length) return undefined
    this.#skip(end - at)
    this.#pendingBytes -= end - at
    return { type, body: chunk.subarray(at + frameHeaderBytes, end) }
  }

  #takeAcrossChunks(): Frame | undefined {
    if (!this.#fillHeader()) return undefined
    const type = checkHeader(this.#header, 0, frameHeaderBytes)
    const bodyBytes = readU32(this.#header, 0) + lengthFieldBytes - frameHeaderBytes
    if (!this.#fillBody(bodyBytes)) return undefined
    assert(this.#bodyBytes === bodyBytes, "an assembled body is as long as its frame says")
    const body = this.#body.subarray(0, bodyBytes)
    this.#pendingBytes -= frameHeaderBytes + bodyBytes
    this.#headerBytes = 0
    this.#bodyBytes = 0
    // What a large frame took is given back even then: a thousand connections must not keep a MiB
    // each.
    if (!this.#reuseBody || this.#body.length > assemblyBytesStart) this.#body = noBytes
    return { type, body }
  }

  /** Moves bytes to #header until it is whole; judges what is there even if it is not. */
  #fillHeader(): boolean {
    while (this.#headerBytes < frameHeaderBytes) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) return false
      const part = chunk.subarray(this.#at, this.#at + frameHeaderBytes - this.#headerBytes)
      this.#header.set(part, this.#headerBytes)
      this.#headerBytes += part.length
      this.#skip(part.length)
      checkHeader(this.#header, 0, this.#headerBytes)
    }
    return true
  }

  /** Moves bytes to #body until it is whole. */
  #fillBody(bodyBytes: number): boolean {
    while (this.#bodyBytes < bodyBytes) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) return false
      const part = chunk.subarray(this.#at, this.#at + bodyBytes - this.#bodyBytes)
      this.#reserve(this.#bodyBytes + part.length, bodyBytes)
      this.#body.set(part, this.#bodyBytes)
      this.#bodyBytes += part.length
      this.#skip(part.length)
    }
    return true
  }

  #reserve(neededBytes: number, bodyBytes: number): void {
    if (this.#body.length >= neededBytes) return
    const room = Math.max(neededBytes, assemblyBytesStart, 2 * this.#bodyBytes)
    const body = new Uint8Array(this.#reuseBody ? room : Math.min(bodyBytes, room))
    body.set(this.#body.subarray(0, this.#bodyBytes))
    this.#body = body
  }

  #skip(bytes: number): void {
    this.#at += bytes
    if (this.#at < (this.#chunks[0]?.length ?? 0)) return
    this.#chunks.shift()
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
