import { assert, PosternError } from "../base/index.ts"
import { disclosureHeaderBytes } from "./frame.ts"
import { digestBytes } from "./stream-frames.ts"

/** A part of a disclosure's JSON, as one DISCLOSURE frame carries it (docs/spec/wire.md, Disclosures). */
export interface DisclosurePart {
  /** Of the whole disclosure, 32 bytes. */
  readonly digest: Uint8Array
  /** Whether another part follows. */
  readonly isMore: boolean
  /** 1 to 1,048,000 bytes. */
  readonly part: Uint8Array
}

/** The body of a DISCLOSURE. */
export function encodeDisclosurePart({ digest, isMore, part }: DisclosurePart): Uint8Array {
  assert(digest.length === digestBytes, "a disclosure's digest has 32 bytes")
  assert(part.length > 0, "a part of a disclosure is not empty")
  const body = new Uint8Array(disclosureHeaderBytes + part.length)
  body.set(digest)
  body[digestBytes] = isMore ? 1 : 0
  body.set(part, disclosureHeaderBytes)
  return body
}

/** The part of a DISCLOSURE's body, as views. Errors: FRAME_SYNTAX. Whether the parts are what the digest says is for whoever has all. */
export function decodeDisclosurePart(body: Uint8Array): DisclosurePart {
  if (body.length <= disclosureHeaderBytes) {
    throw new PosternError("FRAME_SYNTAX", "DISCLOSURE holds no part of a disclosure")
  }
  const more = body[digestBytes]
  if (more !== 0 && more !== 1) {
    throw new PosternError(
      "FRAME_SYNTAX",
      "DISCLOSURE says neither that more follows nor that none",
    )
  }
  const part = body.subarray(disclosureHeaderBytes)
  return { digest: body.subarray(0, digestBytes), isMore: more === 1, part }
}
