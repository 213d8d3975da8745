import { LogStore } from "./log-store.ts"
import { listPlain, packSegment } from "./packing.ts"

/**
 * Compresses every sealed segment of a log that nobody else has open for writing, as a port and its keeper do. Returns the first
 * indexes of those that were plain.
 */
export async function compressSealed(path: string, origin: string): Promise<number[]> {
  const store = await LogStore.open(path, origin, { begin: ignore, slot: ignore })
  try {
    const firsts = await listPlain(path, store.sealed)
    for (const first of firsts) {
      await packSegment(path, first)
      await store.adopt(first)
    }
    return firsts
  } finally {
    await store.close()
  }
}

function ignore(): void {
  return undefined
}
