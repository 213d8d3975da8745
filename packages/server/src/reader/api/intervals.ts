/** Widths that people read off a time axis, in seconds; beyond a day whole weeks. All but the week divide a day. */
const widths = [
  1,
  2,
  5,
  10,
  30,
  60,
  2 * 60,
  5 * 60,
  10 * 60,
  30 * 60,
  3600,
  3 * 3600,
  6 * 3600,
  12 * 3600,
  86_400,
  7 * 86_400,
]

/**
 * The narrowest width that covers `[since, until)` with at most `buckets` buckets, which begin at its multiples since the
 * epoch. All in microseconds.
 * @param buckets from 1
 */
export function intervalFor(since: number, until: number, buckets: number): number {
  const covers = (width: number): boolean =>
    Math.ceil(until / width) - Math.floor(since / width) <= buckets
  for (const seconds of widths) if (covers(seconds * 1e6)) return seconds * 1e6
  const week = 7 * 86_400 * 1e6
  let width = week
  while (!covers(width)) width += week
  return width
}
