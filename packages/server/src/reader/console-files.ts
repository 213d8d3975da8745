import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { extname, join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { brotliCompress, gzip, constants as zlib } from "node:zlib"
import type { ConsoleFile, ConsoleFiles } from "./api/index.ts"

/** Where the console stands once it is built: in the package, beside its dist. */
export const consoleDirectory = fileURLToPath(new URL("../../console/", import.meta.url))

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
}
const isText = /^text\/|svg|json|wasm/
const packedAtLeast = 512
/** Vite names what never changes by a hash of its content. */
const hashedName = /^\/assets\/[^/]+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/

const pack = { gzip: promisify(gzip), brotli: promisify(brotliCompress) }

/**
 * All files of the console, in memory with their packed copies, by the exact path of a URL: what is not in the map does
 * not exist, so no path of a peer ever reaches the file system. An empty map if the console was not built.
 */
export async function readConsoleFiles(directory = consoleDirectory): Promise<ConsoleFiles> {
  const files = new Map<string, ConsoleFile>()
  if (!existsSync(directory)) return files
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const name = join(entry.parentPath, entry.name)
    const path = `/${relative(directory, name).split(sep).join("/")}`
    files.set(path === "/index.html" ? "/" : path, await readConsoleFile(name, path))
  }
  return files
}

async function readConsoleFile(name: string, path: string): Promise<ConsoleFile> {
  const plain = await readFile(name)
  const type = types[extname(name)] ?? "application/octet-stream"
  const etag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 27)}"`
  const file = { type, etag, immutable: hashedName.test(path), plain }
  if (!isText.test(type) || plain.length < packedAtLeast) return file
  const params = { [zlib.BROTLI_PARAM_QUALITY]: 9, [zlib.BROTLI_PARAM_SIZE_HINT]: plain.length }
  const [zipped, brotli] = await Promise.all([
    pack.gzip(plain, { level: 9 }),
    pack.brotli(plain, { params }),
  ])
  return { ...file, gzip: zipped, br: brotli }
}
