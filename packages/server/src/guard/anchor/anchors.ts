import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { equalBytes, formatBase64, PosternError, sha256 } from "@postern/log/base"
import { openCheckpoint, parseNote } from "@postern/log/tlog"
import { replaceFile } from "../../disk/index.ts"
import { readDer } from "./der-reader.ts"
import { encodeTimestampRequest } from "./timestamp-request.ts"
import { parseTimestampResponse } from "./timestamp-response.ts"

/** A request that waits to be carried to an authority. */
export interface AnchorRequest {
  readonly size: number
  /** The TimeStampReq, and where its answer belongs. */
  readonly requestFile: string
  readonly answerFile: string
}

/** A checkpoint, and what an authority says of when it was there. */
export interface Anchor {
  readonly size: number
  readonly root: string
  /** As the authority has it; undefined while there is no answer. */
  readonly time: string | undefined
  readonly noteFile: string
  readonly textFile: string
  readonly answerFile: string
}

/**
 * A directory of anchors, four files each, named by the size of the checkpoint: `.note` (the checkpoint as it was
 * published), `.text` (its text, which is what is stamped), `.tsq` (the request), `.tsr` (the answer).
 */
export class Anchors {
  readonly #directory: string
  readonly #vkey: string | readonly string[]

  /** @param vkey of the log whose checkpoints these are; or each key that it has had */
  constructor(directory: string, vkey: string | readonly string[]) {
    this.#directory = directory
    this.#vkey = vkey
  }

  /**
   * Writes a request for this checkpoint; the one that is there already is not made anew, since its answer may be on its way.
   * @param nonce 8 random bytes · @throws PosternError NOTE_INVALID
   */
  async request(note: string, nonce: Uint8Array): Promise<AnchorRequest> {
    const { size } = await openCheckpoint(note, this.#vkey)
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    const requestFile = this.#file(size, "tsq")
    const answerFile = this.#file(size, "tsr")
    if (existsSync(requestFile)) return { size, requestFile, answerFile }
    const { text } = parseNote(note)
    await replaceFile(this.#file(size, "note"), note)
    await replaceFile(this.#file(size, "text"), text)
    const digest = sha256(new Uint8Array(Buffer.from(text)))
    await replaceFile(requestFile, encodeTimestampRequest(digest, nonce))
    return { size, requestFile, answerFile }
  }

  /**
   * Takes an authority's answer to one of the requests; which one, it says itself.
   * @throws PosternError ANCHOR_INVALID if it answers none of them
   */
  async accept(answer: Uint8Array): Promise<Anchor> {
    const { digest, nonce } = parseTimestampResponse(answer)
    for (const size of this.#sizes()) {
      if (!equalBytes(digest, this.#digest(size))) continue
      const asked = nonceOf(readFileSync(this.#file(size, "tsq")))
      if (nonce === undefined || !equalBytes(nonce, asked)) {
        throw new PosternError(
          "ANCHOR_INVALID",
          `it is not the answer to ${this.#file(size, "tsq")}`,
        )
      }
      await replaceFile(this.#file(size, "tsr"), answer)
      return this.#read(size)
    }
    throw new PosternError("ANCHOR_INVALID", `no request in ${this.#directory} is answered by it`)
  }

  /** Every anchor, read and compared again; the signature of the authority is for `openssl ts`. */
  list(): Promise<Anchor[]> {
    return Promise.all(this.#sizes().map((size) => this.#read(size)))
  }

  async #read(size: number): Promise<Anchor> {
    const noteFile = this.#file(size, "note")
    const textFile = this.#file(size, "text")
    const answerFile = this.#file(size, "tsr")
    const checkpoint = await openCheckpoint(readFileSync(noteFile, "utf8"), this.#vkey)
    const { text } = parseNote(readFileSync(noteFile, "utf8"))
    if (checkpoint.size !== size || readFileSync(textFile, "utf8") !== text) {
      throw new PosternError("ANCHOR_INVALID", `${textFile} is not the text of ${noteFile}`)
    }
    const root = formatBase64(checkpoint.root)
    const files = { size, root, noteFile, textFile, answerFile }
    if (!existsSync(answerFile)) return { ...files, time: undefined }
    const { digest, time } = parseTimestampResponse(new Uint8Array(readFileSync(answerFile)))
    if (equalBytes(digest, this.#digest(size))) return { ...files, time }
    throw new PosternError("ANCHOR_INVALID", `${answerFile} stamps something else`)
  }

  #sizes(): number[] {
    if (!existsSync(this.#directory)) return []
    const names = readdirSync(this.#directory).filter((name) => /^\d{1,15}\.tsq$/.test(name))
    return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b)
  }

  #digest(size: number): Uint8Array {
    return sha256(new Uint8Array(readFileSync(this.#file(size, "text"))))
  }

  #file(size: number, kind: "note" | "text" | "tsq" | "tsr"): string {
    return join(this.#directory, `${size}.${kind}`)
  }
}

/** Of a request that we wrote: version, imprint, nonce. */
function nonceOf(request: Uint8Array): Uint8Array {
  const [whole] = readDer(new Uint8Array(request))
  const [, , nonce] = readDer(whole?.content ?? new Uint8Array())
  const digits = nonce?.content ?? new Uint8Array()
  return digits[0] === 0 ? digits.subarray(1) : digits
}
