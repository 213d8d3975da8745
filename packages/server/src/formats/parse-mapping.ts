import type { Format } from "./api.ts"

/**
 * As readMapping(). What reads YAML strictly takes 16 MB of memory for as long as the process lives, which whoever has no mapping does
 * without.
 */
export async function parseMapping(text: string, where?: string): Promise<Format> {
  const { readMapping } = await import("./mapping.ts")
  return readMapping(text, where)
}
