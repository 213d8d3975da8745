import { constants } from "node:fs"
import { open } from "node:fs/promises"
import {
  decodeUtf8,
  type ErrorCode,
  errorRegistry,
  isPosternError,
  PosternError,
} from "@postern/log/base"

export const bounds = {
  /** A whole file, ask or answer. */
  bytesMax: 65_536,
  /** Asks of one process that are open at once. */
  asksMax: 64,
  /** What has waited for longer is not answered any more, in milliseconds. */
  ageMaxMs: 60_000,
  /** Of the text that explains a refusal, in characters. */
  detailMax: 500,
} as const

/** Name of a request: 128 random bits. */
export const idPattern = /^[0-9a-f]{32}$/
const kindPattern = /^[a-z][a-z-]{0,31}$/

export interface Ask {
  readonly kind: string
  readonly body: unknown
}

export type Answer =
  | { readonly body: unknown }
  | { readonly refused: { readonly code: ErrorCode; readonly detail?: string } }

/** Errors: REQUEST_INVALID if it does not fit. */
export function formatAsk({ kind, body }: Ask): string {
  if (!kindPattern.test(kind)) throw new PosternError("REQUEST_INVALID", `the kind ${kind}`)
  return bounded({ postern: "ask@v1", kind, body })
}

/** Errors: REQUEST_INVALID. */
export function parseAsk(bytes: Uint8Array): Ask {
  const { kind, body } = members(bytes, "ask@v1", ["body", "kind"])
  if (typeof kind === "string" && kindPattern.test(kind)) return { kind, body }
  throw new PosternError("REQUEST_INVALID", "an ask without a kind")
}

/** An answer that is too large becomes a refusal that says so. */
export function formatAnswer(answer: Answer): string {
  try {
    return bounded({ postern: "answer@v1", ...answer })
  } catch (error) {
    if (!isPosternError(error)) throw error
    return bounded({ postern: "answer@v1", ...refusal(error) })
  }
}

export function refusal(error: unknown): Answer {
  if (!isPosternError(error)) return { refused: { code: "UNANSWERED", detail: "it failed there" } }
  const { code, detail } = error
  return {
    refused: detail === undefined ? { code } : { code, detail: detail.slice(0, bounds.detailMax) },
  }
}

/** What was answered. Errors: those of the answer, REQUEST_INVALID if it is none. */
export function openAnswer(bytes: Uint8Array): unknown {
  const found = members(bytes, "answer@v1", ["body"], ["refused"])
  if ("body" in found) return found.body
  const refused = found.refused
  if (typeof refused !== "object" || refused === null) throw invalid("a refusal says nothing")
  const { code, detail } = refused as Record<string, unknown>
  if (typeof code !== "string" || !Object.hasOwn(errorRegistry, code)) {
    throw invalid("a refusal has an unknown code")
  }
  const words = typeof detail === "string" ? detail.slice(0, bounds.detailMax) : undefined
  throw new PosternError(code as ErrorCode, words)
}

/**
 * A whole file of the postbox and its age; undefined if there is none. Follows no link and waits for no pipe.
 * Errors: REQUEST_INVALID if it is no file of acceptable size, those of node:fs.
 */
export async function readLetter(
  path: string,
): Promise<{ readonly bytes: Buffer; readonly ageMs: number } | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error) => {
    if (error.code === "ENOENT") return undefined
    throw error.code === "ELOOP" || error.code === "ENXIO" ? invalid("not a file") : error
  })
  if (file === undefined) return undefined
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > bounds.bytesMax) throw invalid("not a file of that kind")
    const bytes = Buffer.alloc(stat.size)
    const { bytesRead } = await file.read(bytes, 0, stat.size, 0)
    return { bytes: bytes.subarray(0, bytesRead), ageMs: Math.max(0, Date.now() - stat.mtimeMs) }
  } finally {
    await file.close()
  }
}

function bounded(value: object): string {
  const text = `${JSON.stringify(value)}\n`
  if (Buffer.byteLength(text) <= bounds.bytesMax) return text
  throw invalid(`more than ${bounds.bytesMax} bytes`)
}

/** The members of a letter of this kind: exactly these, or instead those. */
function members(
  bytes: Uint8Array,
  kind: string,
  ...allowed: readonly (readonly string[])[]
): Record<string, unknown> {
  const text = bytes.length > bounds.bytesMax ? undefined : decodeUtf8(bytes)
  if (text === undefined) throw invalid("not UTF-8, or too long")
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PosternError("REQUEST_INVALID", "postbox: not JSON", { cause })
  }
  if (typeof value !== "object" || value === null) throw invalid("not an object")
  const { postern, ...rest } = value as Record<string, unknown>
  const names = Object.keys(rest).sort().join()
  if (postern !== kind || !allowed.some((each) => each.join() === names)) {
    throw invalid(`not an ${kind}`)
  }
  return rest
}

function invalid(detail: string): PosternError {
  return new PosternError("REQUEST_INVALID", `postbox: ${detail}`)
}
