import { equal, rowBytes, rowDecision, rowSpans, rowVerdict } from "./rows"

/**
 * What was decided for (context, source, action, outcome), in a region of tableBytes that is zero at
 * first: a u32 with the bytes that are used, at 64 groups of eight places (eight u32 tags, eight u32
 * positions from the region's start; a tag of 0 = free), behind them the keys one after the other.
 * A key stands in one of the two groups that its hash names, so a look-up compares 16 tags at most,
 * whatever somebody chose his texts for.
 */
const tableBytes: usize = 1 << 20
const groupsAt: usize = 64
const groupBytes: usize = 64
const groupMask: u64 = 1023
const placesAt: usize = 32
const keysAt: usize = groupsAt + 1024 * groupBytes

/** A key: u32 context, u32 decision, u32 bytes of source and of action (<< 16), u32 of outcome, texts. */
const keyDecision: usize = 4
const keyLengths: usize = 8
const keyTexts: usize = 16

const sourceAt: usize = rowSpans + 16
const actionAt: usize = rowSpans + 24
const outcomeAt: usize = rowSpans + 32

const spread: u64 = 0x9e37_79b9_7f4a_7c15

/** Reads up to 7 bytes behind the text. */
function mix(hash: u64, at: usize, length: usize): u64 {
  const end = at + length
  for (; at + 8 <= end; at += 8) hash = rotl<u64>(hash ^ load<u64>(at), 29) * spread
  const rest = <u64>(end - at)
  return rotl<u64>(hash ^ (load<u64>(at) & ((<u64>1 << (8 * rest)) - 1)), 29) * spread
}

function hashOf(row: usize, context: u32): u64 {
  let hash = (<u64>context + 1) * spread
  hash = mix(hash, <usize>load<u32>(row, sourceAt), <usize>load<u32>(row, sourceAt + 4))
  hash = mix(hash, <usize>load<u32>(row, actionAt), <usize>load<u32>(row, actionAt + 4))
  hash = mix(hash, <usize>load<u32>(row, outcomeAt), <usize>load<u32>(row, outcomeAt + 4))
  return (hash ^ (hash >> 32)) * spread
}

/** Never 0, which is a free place. */
function tagOf(hash: u64): u32 {
  return <u32>(hash >> 32) | 1
}

/** The two groups are told by other bits than the tag. */
function firstGroup(hash: u64, table: usize): usize {
  return table + groupsAt + groupBytes * <usize>(hash & groupMask)
}

function secondGroup(hash: u64, table: usize): usize {
  return table + groupsAt + groupBytes * <usize>((hash >> 10) & groupMask)
}

function lengthsOf(row: usize): u64 {
  return (
    <u64>load<u32>(row, sourceAt + 4) |
    (<u64>load<u32>(row, actionAt + 4) << 16) |
    (<u64>load<u32>(row, outcomeAt + 4) << 32)
  )
}

function isKeyOf(key: usize, row: usize, context: u32): bool {
  if (load<u32>(key) != context || load<u64>(key, keyLengths) != lengthsOf(row)) return false
  const source = <usize>load<u32>(row, sourceAt + 4)
  const action = <usize>load<u32>(row, actionAt + 4)
  const outcome = <usize>load<u32>(row, outcomeAt + 4)
  const texts = key + keyTexts
  return (
    equal(load<u32>(row, actionAt), texts + source, action) != 0 &&
    equal(load<u32>(row, sourceAt), texts, source) != 0 &&
    equal(load<u32>(row, outcomeAt), texts + source + action, outcome) != 0
  )
}

/** A bit for each place of the group that has the tag. */
function placesWith(group: usize, tag: u32): u32 {
  const wanted = i32x4.splat(tag)
  return <u32>(
    (i32x4.bitmask(i32x4.eq(v128.load(group), wanted)) |
      (i32x4.bitmask(i32x4.eq(v128.load(group, 16), wanted)) << 4))
  )
}

function findIn(group: usize, tag: u32, row: usize, context: u32, table: usize): usize {
  for (let places = placesWith(group, tag); places; places &= places - 1) {
    const key = table + <usize>load<u32>(group + 4 * <usize>ctz<u32>(places), placesAt)
    if (isKeyOf(key, row, context)) return key
  }
  return 0
}

function find(hash: u64, row: usize, context: u32, table: usize): usize {
  const key = findIn(firstGroup(hash, table), tagOf(hash), row, context, table)
  return key ? key : findIn(secondGroup(hash, table), tagOf(hash), row, context, table)
}

/** The contract is Core.recall. A row with the key of the one before has its decision. */
export function recall(rows: usize, count: u32, context: u32, table: usize): u32 {
  let unknown: u32 = 0
  let known: usize = 0
  for (const end = rows + rowBytes * count; rows != end; rows += rowBytes) {
    if (load<u32>(rows, rowVerdict)) continue
    if (!known || !isKeyOf(known, rows, context)) {
      known = find(hashOf(rows, context), rows, context, table)
    }
    store<u32>(rows, known ? load<u32>(known, keyDecision) : 0, rowDecision)
    unknown += u32(known == 0)
  }
  return unknown
}

function copy(from: usize, to: usize, length: usize): void {
  for (let i: usize = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i))
}

/** The contract is Core.learn. */
export function learn(row: usize, context: u32, decision: u32, table: usize): u32 {
  const hash = hashOf(row, context)
  const known = find(hash, row, context, table)
  if (known) {
    store<u32>(known, decision, keyDecision)
    return 1
  }
  const first = firstGroup(hash, table)
  const second = secondGroup(hash, table)
  const freeInFirst = placesWith(first, 0)
  const freeInSecond = placesWith(second, 0)
  // The emptier group: this way nearly all places are taken before some key finds none.
  const isFirst = popcnt<u32>(freeInFirst) >= popcnt<u32>(freeInSecond)
  const free = isFirst ? freeInFirst : freeInSecond
  if (!free) return 0

  const source = <usize>load<u32>(row, sourceAt + 4)
  const action = <usize>load<u32>(row, actionAt + 4)
  const outcome = <usize>load<u32>(row, outcomeAt + 4)
  const used = <usize>load<u32>(table)
  const at = used ? used : keysAt
  const end = (at + keyTexts + source + action + outcome + 7) & ~7
  if (end > tableBytes) return 0
  const key = table + at
  const texts = key + keyTexts
  store<u32>(key, context)
  store<u32>(key, decision, keyDecision)
  store<u64>(key, lengthsOf(row), keyLengths)
  copy(load<u32>(row, sourceAt), texts, source)
  copy(load<u32>(row, actionAt), texts + source, action)
  copy(load<u32>(row, outcomeAt), texts + source + action, outcome)
  store<u32>(table, <u32>end)
  const place = (isFirst ? first : second) + 4 * <usize>ctz<u32>(free)
  store<u32>(place, tagOf(hash))
  store<u32>(place, <u32>at, placesAt)
  return 1
}
