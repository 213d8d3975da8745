import { nodeHash } from "@postern/log/tlog"

/** R of docs/spec/log.md over full nodes: the range root of `[s, e)`. */
export function rootOfRange(
  s: number,
  e: number,
  nodeAt: (level: number, i: number) => Uint8Array,
): Uint8Array {
  const walk = (level: number, i: number): Uint8Array => {
    const width = 2 ** level
    const from = i * width
    if (s <= from && from + width <= e) return nodeAt(level, i)
    const middle = from + width / 2
    if (e <= middle) return walk(level - 1, 2 * i)
    if (s >= middle) return walk(level - 1, 2 * i + 1)
    return nodeHash(walk(level - 1, 2 * i), walk(level - 1, 2 * i + 1))
  }
  let top = 0
  while (2 ** top < e) top += 1
  return walk(top, 0)
}
