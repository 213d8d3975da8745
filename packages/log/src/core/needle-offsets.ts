/** By which bytes a long needle is found. */

import { byteWeights, usualTriples } from "./usual-bytes.ts"

/** More than any three bytes weigh that are not usual together. */
const usualWeight = 1e6

/**
 * Where the first of two hooks of three bytes stands, and the second one behind it by one, so that they are rare in events.
 * @param text what both stand in, as far as there is a choice: three bytes or more, in lower case where case does not matter
 */
export function chooseOffset(text: string): number {
  const costOf = (offset: number): number =>
    weightOf(text.slice(offset, offset + 3)) + weightOf(text.slice(offset + 1, offset + 4))
  let offset = 0
  for (let other = 1; other + 4 <= text.length; other++) {
    if (costOf(other) < costOf(offset)) offset = other
  }
  return offset
}

/** Letters count in either case, since keys do not tell them apart. */
function weightOf(hook: string): number {
  let weight = 1
  for (let i = 0; i < hook.length; i++) {
    const byte = hook.charCodeAt(i)
    weight *= (byteWeights[byte | 0x20] ?? 0) + (byteWeights[byte & ~0x20] ?? 0)
  }
  return weight + usualWeight * (usualTriples.get(hook.toLowerCase()) ?? 0)
}
