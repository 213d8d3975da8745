import { parseBase64 } from "@postern/log/base"
import { nodeHash } from "@postern/log/tlog"

/**
 * The root that the leaf hashes of some entries and a path for them lead to, as docs/reference/read-api.md says it:
 * written from the definition, apart from the code that makes paths. Throws unless the path is used up exactly.
 */
export function rootOfSeveral(
  leafHashes: ReadonlyMap<number, Uint8Array>,
  size: number,
  path: readonly string[],
): Uint8Array {
  const left = path.map((text) => parseBase64(text) as Uint8Array)
  const walk = (from: number, to: number): Uint8Array => {
    const hasSome = [...leafHashes.keys()].some((index) => from <= index && index < to)
    if (!hasSome) {
      const hash = left.shift()
      if (hash === undefined) throw new Error("the path is too short")
      return hash
    }
    if (to - from === 1) return leafHashes.get(from) as Uint8Array
    let k = 1
    while (k * 2 < to - from) k *= 2
    const leftPart = walk(from, from + k)
    return nodeHash(leftPart, walk(from + k, to))
  }
  const root = walk(0, size)
  if (left.length > 0) throw new Error(`${left.length} hashes of the path are left over`)
  return root
}
