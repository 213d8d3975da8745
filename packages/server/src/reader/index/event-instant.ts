import { parseTime } from "@postern/log/event"

const [zero, dash, colon, point, letterT, letterZ] = [0x30, 0x2d, 0x3a, 0x2e, 0x54, 0x5a]
let knownDay = -1
let knownMs = 0

/** Microseconds of an event's time as parseTime reads it, NaN where it does not. What writers usually send makes no string. */
export function readInstant(bytes: Uint8Array, from: number, to: number): number {
  const day =
    digits(bytes, from, 4) * 10_000 + digits(bytes, from + 5, 2) * 100 + digits(bytes, from + 8, 2)
  const hour = digits(bytes, from + 11, 2)
  const minute = digits(bytes, from + 14, 2)
  const second = digits(bytes, from + 17, 2)
  const isPlain =
    bytes[from + 4] === dash &&
    bytes[from + 7] === dash &&
    bytes[from + 10] === letterT &&
    bytes[from + 13] === colon &&
    bytes[from + 16] === colon &&
    bytes[to - 1] === letterZ &&
    (to - from === 20 || (bytes[from + 19] === point && to - from > 21 && to - from <= 27)) &&
    hour < 24 &&
    minute < 60 &&
    second < 60
  if (!isPlain || !(day >= 0)) return slowly(bytes, from, to)
  const fractionDigits = to - from === 20 ? 0 : to - from - 21
  const fraction = digits(bytes, from + 20, fractionDigits) * 10 ** (6 - fractionDigits)
  if (!(fraction >= 0)) return slowly(bytes, from, to)
  if (day !== knownDay) {
    const midnight = slowly(
      Buffer.concat([bytes.subarray(from, from + 11), Buffer.from("00:00:00Z")]),
      0,
      20,
    )
    if (Number.isNaN(midnight)) return Number.NaN
    knownMs = midnight
    knownDay = day
  }
  return knownMs + ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
}

function slowly(bytes: Uint8Array, from: number, to: number): number {
  return parseTime(Buffer.from(bytes.subarray(from, to)).toString("latin1")) ?? Number.NaN
}

/** NaN if one is no digit. */
function digits(bytes: Uint8Array, from: number, count: number): number {
  let value = 0
  for (let at = from; at < from + count; at++) {
    const digit = (bytes[at] ?? 0) - zero
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}
