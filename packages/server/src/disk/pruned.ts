import {
  decodeUtf8,
  encodeUtf8,
  formatBase64,
  formatHex,
  PosternError,
  parseBase64,
  sha256,
} from "@postern/log/base"
import { replaceFile } from "./durable.ts"
import { type FileSystem, readFileIfAny } from "./file-system.ts"
import { filePath } from "./log-directory.ts"
import { nodeFiles } from "./node-files.ts"

/** What is not there any more, at the beginning of a log (docs/spec/retention.md). */
export interface Pruned {
  /** Index of the first entry that is there; above 0, and a segment begins there. */
  readonly minimum: number
  /** Root of the tree of so many entries. */
  readonly root: Uint8Array
  /** Index of the entry that says so. */
  readonly entry: number
  /** Entries below the minimum that were kept, ascending. */
  readonly kept: readonly KeptEntry[]
}

export interface KeptEntry {
  readonly index: number
  readonly leaf: Uint8Array
}

/** Undefined for a log of which everything is there. Errors: LOG_DAMAGED. */
export async function readPruned(
  directory: string,
  files: FileSystem = nodeFiles,
): Promise<Pruned | undefined> {
  const bytes = await readFileIfAny(files, filePath(directory, "pruned"))
  return bytes === undefined ? undefined : parsePruned(bytes)
}

/** Durable once this returns: from then on the log begins at the minimum. Errors: DISK_FULL, DISK_FAILED. */
export async function writePruned(
  directory: string,
  { minimum, root, entry, kept }: Pruned,
  files: FileSystem = nodeFiles,
): Promise<void> {
  const rows = kept.map(({ index, leaf }) => [index, decodeUtf8(leaf)])
  const line = JSON.stringify({ minimum, root: formatBase64(root), entry, kept: rows })
  const digest = formatHex(sha256(encodeUtf8(line)))
  await replaceFile(filePath(directory, "pruned"), `${line}\n${digest}\n`, files)
}

function parsePruned(bytes: Uint8Array): Pruned {
  const text = decodeUtf8(bytes) ?? ""
  const [line = "", digest, ...rest] = text.split("\n")
  try {
    if (digest !== formatHex(sha256(encodeUtf8(line))) || rest.join() !== "")
      throw new Error("the digest is another")
    const { minimum, root, entry, kept } = JSON.parse(line)
    const rootBytes = parseBase64(String(root))
    if (!isIndex(minimum) || !isIndex(entry) || rootBytes?.length !== 32 || !Array.isArray(kept))
      throw new Error("it has another shape")
    return { minimum, entry, root: rootBytes, kept: kept.map((row) => keptOf(row, minimum)) }
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", "the file pruned cannot be read", { cause })
  }
}

function keptOf(row: unknown, minimum: number): KeptEntry {
  const [index, leaf] = Array.isArray(row) ? row : []
  if (!isIndex(index) || index >= minimum || typeof leaf !== "string")
    throw new Error("a kept entry has another shape")
  return { index, leaf: encodeUtf8(leaf) }
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function prunedError(index: number, minimum: number): PosternError {
  return new PosternError("ENTRY_PRUNED", `entry ${index}: the log begins at ${minimum}`)
}
