import type { ReadCounters } from "./world.ts"

/** One file of the console, with the copies that are sent packed. */
export interface ConsoleFile {
  readonly type: string
  /** Of the plain bytes, with its quotes. */
  readonly etag: string
  /** Its name changes with its content. */
  readonly immutable: boolean
  readonly plain: Uint8Array
  readonly gzip?: Uint8Array
  readonly br?: Uint8Array
}

/** The console by the exact path of a URL; `/` is its page. Empty if it was not built. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>

/**
 * What a page of ours may do: run our own scripts and WebAssembly, speak to this origin, and nothing else. Nobody frames
 * it, no form leaves it, no inline script or style runs.
 */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "form-action 'none'",
].join("; ")

const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
}

const notBuilt = `The console is not part of this build.
Build it with npm run build:console and start the reader again, or use the command line: postern search, postern tail.
`

/** A file of the console to any reader; undefined if there is none at this path. They hold nothing of the log: counted only. */
export function consoleResponse(
  files: ConsoleFiles,
  path: string,
  request: Headers,
  counters: ReadCounters,
): Response | undefined {
  const file = files.get(path)
  if (file === undefined) return path === "/" ? withoutConsole() : undefined
  counters.pages++
  const { type, etag, immutable } = file
  const headers = new Headers({
    ...pageHeaders,
    etag,
    vary: "accept-encoding",
    // Only the reader's own cache may keep it, since access is by certificate.
    "cache-control": immutable ? "private, max-age=31536000, immutable" : "private, no-cache",
  })
  if (request.get("if-none-match") === etag) return new Response(null, { status: 304, headers })
  headers.set("content-type", type)
  const { encoding, bytes } = choose(file, request.get("accept-encoding") ?? "")
  if (encoding !== undefined) headers.set("content-encoding", encoding)
  headers.set("content-length", String(bytes.length))
  return new Response(bytes as Uint8Array<ArrayBuffer>, { headers })
}

function withoutConsole(): Response {
  const headers = { ...pageHeaders, "content-type": "text/plain; charset=utf-8" }
  return new Response(notBuilt, { status: 404, headers })
}

function choose(
  file: ConsoleFile,
  accepted: string,
): { readonly encoding?: "br" | "gzip"; readonly bytes: Uint8Array } {
  for (const encoding of ["br", "gzip"] as const) {
    const bytes = file[encoding]
    if (bytes !== undefined && accepts(accepted, encoding)) return { encoding, bytes }
  }
  return { bytes: file.plain }
}

/** RFC 9110 §12.5.3, as far as browsers use it: named, and not with `q=0`. */
function accepts(header: string, encoding: string): boolean {
  return header.split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase())
    return name === encoding && !parameters.some((text) => /^q=0(?:\.0*)?$/.test(text))
  })
}
