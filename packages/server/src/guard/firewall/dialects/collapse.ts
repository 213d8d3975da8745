import { addressBits, type Cidr } from "../../../access/index.ts"

/**
 * The fewest networks that hold the same addresses, IPv4 first, by address: what lies in another is dropped, and two
 * halves become one. Sets of intervals refuse networks that overlap.
 */
export function collapse(cidrs: readonly Cidr[]): Cidr[] {
  const sorted = [...cidrs].sort(
    (a, b) => a.family - b.family || sign(a.address - b.address) || a.bits - b.bits,
  )
  const kept: Cidr[] = []
  for (const cidr of sorted) {
    const last = kept.at(-1)
    if (last !== undefined && holds(last, cidr)) continue
    kept.push(cidr)
    for (;;) {
      const [left, right] = kept.slice(-2)
      if (left === undefined || right === undefined || !areHalves(left, right)) break
      kept.splice(-2, 2, { ...left, bits: left.bits - 1 })
    }
  }
  return kept
}

function sign(difference: bigint): number {
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Addresses of a network, one beyond the last. */
function endOf({ family, address, bits }: Cidr): bigint {
  return address + (1n << BigInt(addressBits[family] - bits))
}

/** `inner` begins where `outer` does, or later. */
function holds(outer: Cidr, inner: Cidr): boolean {
  return outer.family === inner.family && endOf(inner) <= endOf(outer)
}

/** `right` comes behind `left`, and the two are one network of one bit less. */
function areHalves(left: Cidr, right: Cidr): boolean {
  if (left.family !== right.family || left.bits !== right.bits) return false
  const size = endOf(left) - left.address
  return endOf(left) === right.address && left.address % (2n * size) === 0n
}
