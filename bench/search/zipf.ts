import type { Random } from "../random.ts"

/** Chooses ranks 0 to `count` - 1, rank r with a weight of 1 / (r + 1) ** exponent. */
export function createZipf(count: number, exponent: number): (random: Random) => number {
  const ends = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -exponent
    ends[rank] = sum
  }
  return (random) => {
    const point = (random.below(2 ** 32) / 2 ** 32) * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ends[middle] as number) > point) high = middle
      else low = middle + 1
    }
    return low
  }
}
