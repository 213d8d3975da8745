import type { Usual } from "./state.ts"

const minuteMs = 60_000
/** Weight of the newest minute in the moving mean and variance: they remember about half an hour. */
const alpha = 1 / 16
/** Standard deviations above the mean that are a burst. */
const deviations = 6
/** Before it has seen so many minutes of a writer, nothing is unusual. */
const minutesMin = 10
/** After a longer silence, mean and variance are as good as zero. */
const quietMax = 240

export function newUsual(timeMs: number): Usual {
  return { minute: Math.floor(timeMs / minuteMs), current: 0, mean: 0, variance: 0, minutes: 0 }
}

/** More than this in one minute is a burst; infinite while too little is known. */
export function burstAbove(usual: Usual, floor: number): number {
  if (usual.minutes < minutesMin) return Number.POSITIVE_INFINITY
  return Math.max(floor - 1, usual.mean + deviations * Math.sqrt(usual.variance))
}

/**
 * Goes on to the minute of `timeMs`. A minute with a burst counts as the most that would have been none: so a burst does not
 * make itself usual at once, and one that stays does in the end.
 */
export function goOn(usual: Usual, timeMs: number, floor: number): void {
  const minute = Math.floor(timeMs / minuteMs)
  if (minute === usual.minute) return
  if (minute < usual.minute || minute - usual.minute > quietMax) {
    // The clock was set, or there is nothing left to remember.
    Object.assign(usual, { ...newUsual(timeMs), minutes: usual.minutes })
    return
  }
  while (usual.minute < minute) {
    const most = burstAbove(usual, floor)
    remember(usual, Math.min(usual.current, most))
    usual.minute += 1
    usual.current = 0
  }
}

function remember(usual: Usual, count: number): void {
  const off = count - usual.mean
  usual.mean += alpha * off
  usual.variance = (1 - alpha) * (usual.variance + alpha * off * off)
  usual.minutes = Math.min(usual.minutes + 1, minutesMin)
}
