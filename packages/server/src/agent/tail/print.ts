import { concatBytes, formatHex, sha256 } from "@postern/log/base"

/** Bytes at a file's beginning, and before a place in it, by which it is known again. */
export const printBytes = 256

/**
 * By which a file is known again, inode numbers being given to new files.
 * @param head the first bytes of the file, at most printBytes and none behind the place
 * @param tail the bytes before the place, at most printBytes
 */
export function printOf(head: Uint8Array, tail: Uint8Array): string {
  return formatHex(sha256(concatBytes(head, tail))).slice(0, 32)
}

/** gzip, xz, zstd, bzip2. */
const magics = ["1f8b", "fd377a585a00", "28b52ffd", "425a68"]

/** Whether a file that begins so is a compressed one: what rotation leaves behind, read already under its name. */
export function isCompressed(head: Uint8Array): boolean {
  const text = formatHex(head.subarray(0, 8))
  return magics.some((magic) => text.startsWith(magic))
}
