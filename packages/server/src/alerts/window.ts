import type { KeyState } from "./state.ts"

/** A window is counted in so many slices: what came up to one slice before it still counts, and nothing is ever missed. */
const slicesMax = 20

function sliceMs(withinMs: number): number {
  return Math.ceil(withinMs / slicesMax)
}

/** Counts matches at a time. */
export function count(
  { slices }: KeyState,
  at: { readonly timeMs: number; readonly index: number },
  weight: number,
  withinMs: number,
): void {
  const slice = sliceMs(withinMs)
  const begin = Math.floor(at.timeMs / slice) * slice
  const last = slices.length - 3
  if (last >= 0 && slices[last] === begin) slices[last + 1] = (slices[last + 1] as number) + weight
  else slices.push(begin, weight, at.index)
}

/** Forgets what is over, and what a clock that was set back left in the future. How many are left, and the first of them. */
export function inWindow(
  state: KeyState,
  timeMs: number,
  withinMs: number,
): { readonly count: number; readonly first: number } {
  const { slices } = state
  const slice = sliceMs(withinMs)
  let sum = 0
  let kept = 0
  for (let at = 0; at < slices.length; at += 3) {
    const begin = slices[at] as number
    if (begin + slice <= timeMs - withinMs || begin > timeMs) continue
    slices.copyWithin(kept, at, at + 3)
    kept += 3
    sum += slices[at + 1] as number
  }
  const first = kept === 0 ? state.last : (slices[2] as number)
  slices.length = kept
  return { count: sum, first }
}
