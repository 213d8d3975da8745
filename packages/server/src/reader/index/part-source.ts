import { closeSync, fstatSync, openSync, readSync } from "node:fs"

/** A part that is not what it says: it is thrown away and built anew. Never leaves this room. */
export class PartDamaged extends Error {}

/** The bytes of a part, in a file or in memory. */
export interface PartSource {
  readonly length: number
  /** A copy, or a view that never changes, aligned to eight bytes. Throws PartDamaged if there are not so many. */
  read(at: number, length: number): Uint8Array
  close(): void
}

/** Reads on the thread of the caller, which has nothing else to do meanwhile: the threads of this room. */
export function openPartFile(path: string): PartSource {
  const fd = openSync(path, "r")
  const { size: length } = fstatSync(fd)
  return {
    length,
    read(at, bytes) {
      // Without zeros that are written over at once, and alone in its memory.
      const target = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
      let filled = 0
      while (filled < bytes) {
        const read = readSync(fd, target, filled, bytes - filled, at + filled)
        if (read === 0) throw new PartDamaged("the file is too short")
        filled += read
      }
      return target
    },
    close: () => closeSync(fd),
  }
}

export function partInMemory(bytes: Uint8Array): PartSource {
  return {
    length: bytes.length,
    read(at, length) {
      if (at + length > bytes.length) throw new PartDamaged("the piece is too short")
      const view = bytes.subarray(at, at + length)
      return view.byteOffset % 8 === 0 ? view : view.slice()
    },
    close() {
      // It goes when nobody refers to it.
    },
  }
}
