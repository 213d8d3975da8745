import { formatBase64, limits, PosternError, parseBase64 } from "../base/index.ts"
import { decodeJsonBody, encodeJsonBody, type JsonBody } from "./json-body.ts"
import { errorCodePattern, readKeys } from "./session-frames.ts"

/** The frames by which a writer looks after the log it writes to: AUDIT, CHECKPOINT, DOUBT (docs/spec/wire.md). */

export interface AuditQuestion {
  /** Size of the checkpoint that the writer believes; 0 for none. */
  readonly seen: number
  /** An entry that it wants to see proven. */
  readonly sample: number | undefined
  /** The newest checkpoint that witnesses stand behind is wanted, where there is one. Default false. */
  readonly witnessed?: boolean
  /** Index below which it knows every change of the log key; undefined if it does not follow them. */
  readonly keys?: number | undefined
}

export interface AuditAnswer {
  /** The newest published or witnessed checkpoint, a signed note with whatever cosignatures it has. */
  readonly note: string
  /** As `seen` of the question. */
  readonly from: number
  /** That the larger of this tree and the one of `from` entries begins with the smaller (RFC 6962 §2.1.2). */
  readonly consistency: readonly Uint8Array[]
  /** As asked; undefined if nothing was asked, or the checkpoint does not cover it yet. */
  readonly sample: number | undefined
  /** Audit path of the sample. */
  readonly path: readonly Uint8Array[]
  /** Key proofs, as in WELCOME: those of changes from `keys` of the question on. */
  readonly keys?: string | undefined
}

/** What a writer found wrong with the log. */
export interface Doubt {
  /** A code of the error registry, or one of a newer writer. */
  readonly code: string
  readonly detail: string
  /** The checkpoint that does not hold; may be empty. */
  readonly note: string
}

const noteLengthMax = 16_384
export const doubtNoteLengthMax = 4096
export const doubtDetailLengthMax = 1024
/** RFC 6962 §2.1.2: one hash more than a tree below 2^53 entries has levels. */
const pathHashesMax = 64
const hashBytes = 32

export function encodeAudit({ seen, sample, witnessed, keys }: AuditQuestion): Uint8Array {
  return encodeJsonBody({ seen, sample: sample ?? null, witnessed, keys })
}

export function decodeAudit(body: Uint8Array): AuditQuestion {
  const json = decodeJsonBody("AUDIT", body)
  return {
    seen: json.integer("seen", 0, Number.MAX_SAFE_INTEGER),
    sample: readSample(json),
    ...(json.has("witnessed") && { witnessed: json.boolean("witnessed") }),
    ...(json.has("keys") && { keys: json.integer("keys", 0, Number.MAX_SAFE_INTEGER) }),
  }
}

export function encodeCheckpoint(answer: AuditAnswer): Uint8Array {
  const { note, from, sample, keys } = answer
  const consistency = answer.consistency.map(formatBase64)
  const path = answer.path.map(formatBase64)
  return encodeJsonBody({ note, from, consistency, sample: sample ?? null, path, keys })
}

export function decodeCheckpoint(body: Uint8Array): AuditAnswer {
  const json = decodeJsonBody("CHECKPOINT", body)
  return {
    note: json.text("note", 1, noteLengthMax),
    from: json.integer("from", 0, Number.MAX_SAFE_INTEGER),
    consistency: readHashes(json, "consistency"),
    sample: readSample(json),
    path: readHashes(json, "path"),
    ...readKeys(json),
  }
}

/** @param doubt texts that are too long are cut: a doubt that says too much must still arrive */
export function encodeDoubt({ code, detail, note }: Doubt): Uint8Array {
  return encodeJsonBody({
    code,
    detail: detail.slice(0, doubtDetailLengthMax),
    note: note.slice(0, doubtNoteLengthMax),
  })
}

export function decodeDoubt(body: Uint8Array): Doubt {
  const json = decodeJsonBody("DOUBT", body)
  return {
    code: json.matching("code", errorCodePattern, "an error code"),
    detail: json.text("detail", 0, doubtDetailLengthMax),
    note: json.text("note", 0, doubtNoteLengthMax),
  }
}

function readSample(json: JsonBody): number | undefined {
  return json.isNull("sample") ? undefined : json.integer("sample", 0, limits.sequenceMax)
}

function readHashes(json: JsonBody, key: "consistency" | "path"): Uint8Array[] {
  return json.array(key, 0, pathHashesMax).map((text) => {
    const hash = typeof text === "string" ? parseBase64(text) : undefined
    if (hash?.length === hashBytes) return hash
    throw new PosternError("FRAME_SYNTAX", `CHECKPOINT.${key} holds what is no hash`)
  })
}
