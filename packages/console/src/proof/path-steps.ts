import { nodeHash } from "@postern/log/tlog"

/** One step of an audit path, from the leaf towards the root. */
export interface PathStep {
  /** Which side the hash of the path stands on. */
  readonly side: "left" | "right"
  readonly sibling: Uint8Array
  /** SHA-256(0x01 ‖ left ‖ right). */
  readonly result: Uint8Array
}

/**
 * The steps by which an audit path leads from a leaf's hash to a root (RFC 9162 §2.1.3.2), each with what comes out. For
 * showing; checkInclusion decides whether the path is right. Ends early at a path that is too long.
 */
export function pathSteps(
  index: number,
  size: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): PathStep[] {
  const steps: PathStep[] = []
  let at = index
  let last = size - 1
  let hash = leaf
  for (const sibling of path) {
    if (last <= 0) break
    const isRight = at % 2 === 1 || at === last
    hash = isRight ? nodeHash(sibling, hash) : nodeHash(hash, sibling)
    steps.push({ side: isRight ? "left" : "right", sibling, result: hash })
    if (isRight) {
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2)
        last = Math.floor(last / 2)
      }
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return steps
}
