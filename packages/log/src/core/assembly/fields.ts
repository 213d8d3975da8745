/**
 * The table of docs/spec/event.md: which keys an event may have, of which type, and the ranges of
 * the five texts.
 */

const id: u32 = 0
const time: u32 = 1
const source: u32 = 2
const action: u32 = 3
const outcome: u32 = 4
/** _sd: digests of values that are kept elsewhere. */
export const digestsBit: u32 = 1 << 22
/** Fields below this one are the five whose spans a row holds. */
export const spanFields: u32 = 5
/** id, time, source, action, outcome, actor, targets. */
export const requiredFields: u32 = 0x7f

/** First bytes that stand for a type. */
const textType: u32 = 0x22
const objectType: u32 = 0x7b
const arrayType: u32 = 0x5b
export const numberType: u32 = 0x31

/**
 * 32 entries of 16 bytes, found by the top bits of the key times a constant that sends each known
 * key to a place of its own: u64 key, its last byte on top; u8 field; u8 first byte of its values.
 * Keys are 1 to 8 bytes but for one.
 */
const entries: usize = memory.data(33 * 16, 16)
const spread: u64 = 0x4487_567f_3891_519f
const longKey: usize = entries + 32 * 16
const longKeyStart: u64 = 0x666c_6168_6542_6e6f // onBehalf
const longKeyEnd: u32 = 0x664f // Of

let added: u32 = 0
addAll("id time source action outcome", textType)
addAll("actor", objectType)
addAll("targets", arrayType)
addAll("v", numberType)
addAll("sentAt category op severity tenant", textType)
addAll("reason origin request response trace labels data", objectType)
addAll("changes subjects _sd", arrayType)
describe(longKey, arrayType)

/** The next fields, in this order; their names stand in memory as UTF-16. */
function addAll(names: string, type: u32): void {
  let bytes: u64 = 0
  for (let i = 0; i <= names.length; i++) {
    const letter: u64 = i < names.length ? <u64>names.charCodeAt(i) : 0x20
    if (letter != 0x20) {
      bytes = (bytes >> 8) | (letter << 56)
      continue
    }
    const entry = entryOf(bytes)
    store<u64>(entry, bytes)
    describe(entry, type)
    bytes = 0
  }
}

function describe(entry: usize, type: u32): void {
  store<u8>(entry, added, 8)
  store<u8>(entry, type, 9)
  added += 1
}

function entryOf(bytes: u64): usize {
  return entries + 16 * <usize>((bytes * spread) >> 59)
}

/**
 * The entry of the key at `at`, 0 if it has none. An empty key reads as its closing quote, which
 * begins no key.
 */
export function findKey(at: usize, length: usize): usize {
  if (length > 8) {
    const isLong = length == 10 && load<u64>(at) == longKeyStart && load<u16>(at, 8) == longKeyEnd
    return isLong ? longKey : 0
  }
  const bytes = load<u64>(at) << ((64 - 8 * length) & 63)
  const entry = entryOf(bytes)
  return load<u64>(entry) == bytes ? entry : 0
}

export function fieldOf(entry: usize): u32 {
  return load<u8>(entry, 8)
}

export function typeOf(entry: usize): u32 {
  return load<u8>(entry, 9)
}

/** Whether a text without escapes is in its field's range. */
export function isInRange(field: u32, at: usize, length: usize): u32 {
  switch (field) {
    case id:
      return u32(length - 1 < 128)
    case time:
      return isTime(at, length)
    case source:
      return u32(length - 1 < 256)
    case action:
      return isAction(at, length)
    case outcome:
      return isOutcome(at, length)
    default:
      return 1
  }
}

/**
 * The last date and time down to the minute that was found right. Events come in order: it is
 * mostly the same.
 */
const minute: usize = memory.data(16, 16)

/** The shape leaves 20 to 35 bytes; in a shorter text the closing quote stands where none may. */
function isTime(at: usize, length: usize): u32 {
  const start = v128.load(at)
  if (i8x16.bitmask(i8x16.eq(start, v128.load(minute))) != 0xffff) {
    if (!isMinute(at)) return 0
    v128.store(minute, start)
  }
  if (load<u8>(at, 16) != 0x3a) return 0
  const second = twoDigits(at + 17)
  if (second > 60) return 0
  const end = at + length
  at += 19
  if (load<u8>(at) == 0x2e) {
    const numbers = i8x16.lt_u(i8x16.sub(v128.load(at, 1), i8x16.splat(0x30)), i8x16.splat(10))
    const count = <usize>ctz<u32>(~(<u32>i8x16.bitmask(numbers)))
    if (count - 1 >= 9) return 0
    at += 1 + count
  }
  const sign = <u32>load<u8>(at)
  if (sign == 0x5a) return u32(at + 1 == end)
  if (sign != 0x2b && sign != 0x2d) return 0
  if (at + 6 != end || load<u8>(at, 3) != 0x3a) return 0
  return u32(twoDigits(at + 1) < 24 && twoDigits(at + 4) < 60)
}

/** YYYY-MM-DDTHH:MM, 16 bytes. */
function isMinute(at: usize): u32 {
  if (twoDigits(at) > 99 || twoDigits(at + 2) > 99) return 0
  if (load<u8>(at, 4) != 0x2d || load<u8>(at, 7) != 0x2d) return 0
  if (load<u8>(at, 10) != 0x54 || load<u8>(at, 13) != 0x3a) return 0
  if (twoDigits(at + 5) - 1 >= 12 || twoDigits(at + 8) - 1 >= 31) return 0
  return u32(twoDigits(at + 11) < 24 && twoDigits(at + 14) < 60)
}

/** 0 to 99, or more if they are not digits. */
function twoDigits(at: usize): u32 {
  const tens = <u32>load<u8>(at) - 0x30
  const ones = <u32>load<u8>(at, 1) - 0x30
  return tens < 10 && ones < 10 ? 10 * tens + ones : 0x8000_0000
}

/** 1 to 128 bytes of a-z 0-9 . _ : / - (of which - . / 0-9 : stand side by side). */
function isAction(at: usize, length: usize): u32 {
  if (length - 1 >= 128) return 0
  for (let i: usize = 0; i < length; i += 16) {
    const bytes = v128.load(at + i)
    const letter = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x61)), i8x16.splat(26))
    const sign = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(0x2d)), i8x16.splat(14))
    const good = v128.or(v128.or(letter, sign), i8x16.eq(bytes, i8x16.splat(0x5f)))
    const bits = <u32>i8x16.bitmask(good)
    const wanted = length - i < 16 ? (<u32>1 << <u32>(length - i)) - 1 : 0xffff
    if ((bits & wanted) != wanted) return 0
  }
  return 1
}

function isOutcome(at: usize, length: usize): u32 {
  if (length - 5 >= 3) return 0
  switch (load<u64>(at) << ((64 - 8 * length) & 63)) {
    case 0x7373_6563_6375_7300: // success
    case 0x6572_756c_6961_6600: // failure
    case 0x6e77_6f6e_6b6e_7500: // unknown
    case 0x6465_696e_6564_0000: // denied
    case 0x726f_7272_6500_0000: // error
      return 1
    default:
      return 0
  }
}
