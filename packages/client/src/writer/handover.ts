import { encodeFrame, frameHeaderBytes, frameTypes } from "@postern/log/wire"
import { endOf, type Part, type SpoolFrame } from "./spool-frame.ts"

/** Where in the body of a DISCLOSURE it says whether more follows. */
const moreAt = 32

/** What one connection was handed over of the disclosures that the next frame's events name. */
export class Handover {
  #frame: SpoolFrame | undefined
  #parts = 0
  #isMidDisclosure = false

  /** Part of a disclosure was sent, and not all of it. */
  get isMidDisclosure(): boolean {
    return this.#isMidDisclosure
  }

  /** Behind the frame whose parts were sent last; 0 if there is none. */
  get end(): number {
    return this.#frame === undefined ? 0 : endOf(this.#frame)
  }

  /**
   * What has to be sent before the frame.
   * @param knownEnd what lies below, the port has
   */
  next(frame: SpoolFrame, knownEnd: number): Part | undefined {
    if (frame.position < knownEnd) return undefined
    return frame.parts[frame === this.#frame ? this.#parts : 0]
  }

  /** The DISCLOSURE of the next part, which is being sent now. */
  encode(frame: SpoolFrame, body: Uint8Array): Uint8Array {
    this.#parts = frame === this.#frame ? this.#parts + 1 : 1
    this.#frame = frame
    this.#isMidDisclosure = body[moreAt] === 1
    return encodeFrame(frameTypes.disclosure, body)
  }
}

/** Bytes of the DISCLOSURE frame around a body; what credit counts. */
export function disclosureFrameBytes(body: Uint8Array): number {
  return frameHeaderBytes + body.length
}
