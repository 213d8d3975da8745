import { assert } from "../base/index.ts"
import { chooseBuckets } from "./needle-buckets.ts"
import { chooseOffset } from "./needle-offsets.ts"

/** A text that an event may hold. */
export interface Needle {
  /** 2 to 32 printable ASCII characters. */
  readonly text: string
  /** Whether letters are the same in either case. */
  readonly anyCase: boolean
  /** 0 to 7: the bit of a row's `mentions`. */
  readonly group: number
}

const needlesMax = 512
/** A longer needle is a long one. */
const shortMax = 3
const headBits = 11
const mapBits = 16
/** Its low byte is 0, so that the hash of four bytes is that of the first three. */
const spread = 0x9e37_7900

/**
 * The region that `mention` reads, bytes from its start, numbers little-endian:
 *
 * - 0: six tables of 16 bytes: for the low and the high half of a byte, of the first, second and
 *   third one of a short needle each, a bit for every bucket with a needle that has such a half there
 * - 96: u8 groups of all needles and of what is not ASCII · u8 buckets with needles of three bytes · u8 with needles
 *   of two · u8 groups of what is not ASCII · u16 how many entries
 * - 128: 2^16 bits, by the hash of a key: whether a long needle has a hook with such a key
 * - 8320: 2,048 u16, by the hash of a key: the number of the first hook with such a key, from 1
 * - 12416: 1,024 hooks, 12 bytes each: u32 key · u16 number of the next one · u16 number of the entry,
 *   from 0 · u8 where in the needle these bytes stand · u8 groups
 * - 24704: entries, 128 bytes each, for needles that differ in their last byte only: 32 their bytes, 32
 *   with the bit 0x20 where case does not matter, 32 with 0xff for all but the last byte · a bit for
 *   each of 128 last bytes · u8 length · u8 groups
 *
 * Needles of two and three bytes are short. A hook is what a needle is found by: a short one by all of
 * its bytes; a long one by three of them at one offset and three at the next one, of which the one or
 * the other stands at an even distance from the beginning of the event. A key is these bytes with the
 * bit 0x20 set in each, and 2^24 more for two of them.
 */
export const needlePlaces = {
  allGroups: 96,
  bucketsOfThree: 97,
  bucketsOfTwo: 98,
  beyond: 99,
  count: 100,
  map: 128,
  heads: 8320,
  hooks: 12_416,
  entries: 12_416 + 2 * needlesMax * 12,
} as const
const needleHook = { bytes: 12, key: 0, next: 4, entry: 6, offset: 8, groups: 9 } as const
export const needleEntry = {
  bytes: 128,
  fold: 32,
  mask: 64,
  lasts: 96,
  length: 112,
  groups: 113,
} as const

/** The most that encodeNeedles gives. */
export const needlesBytesMax: number = needlePlaces.entries + needlesMax * needleEntry.bytes

/**
 * The region for these needles, at most 512 of them; none = nothing is ever mentioned.
 * @param beyond groups, as bits, that every event mentions in which a byte is not ASCII: what looks like a needle
 *   and is none
 */
export function encodeNeedles(needles: readonly Needle[], beyond = 0): Uint8Array {
  assert(needles.length <= needlesMax, "there are at most 512 needles")
  const texts = textsOf(needles)
  const families = familiesOf(texts)
  const region = new Uint8Array(needlePlaces.entries + texts.length * needleEntry.bytes)
  const view = new DataView(region.buffer)
  view.setUint16(needlePlaces.count, families.length, true)
  region[needlePlaces.beyond] = beyond
  region[needlePlaces.allGroups] = texts.reduce((all, { groups }) => all | groups, beyond)
  const short = texts.filter(({ text }) => text.length <= shortMax)
  const buckets = chooseBuckets(short)
  for (const [i, text] of short.entries()) addShort(region, text, buckets[i] ?? 0)
  for (const [i, family] of families.entries()) addEntry(view, i, family)
  addHooks(view, families)
  return region
}

interface Text {
  readonly text: string
  readonly anyCase: boolean
  groups: number
}

/** Texts that differ in their last byte only. */
type Family = readonly [Text, ...Text[]]

/** The same text in several groups is one. */
function textsOf(needles: readonly Needle[]): readonly Text[] {
  const texts = new Map<string, Text>()
  for (const { text, anyCase, group } of needles) {
    assert(/^[\x20-\x7e]{2,32}$/.test(text), "a needle is 2 to 32 printable ASCII characters")
    assert(Number.isInteger(group) && group >= 0 && group <= 7, "a needle's group is 0 to 7")
    const written = anyCase ? text.toLowerCase() : text
    const name = `${Number(anyCase)}${written}`
    const known = texts.get(name)
    if (known === undefined) texts.set(name, { text: written, anyCase, groups: 1 << group })
    else known.groups |= 1 << group
  }
  return [...texts.values()]
}

function familiesOf(texts: readonly Text[]): readonly Family[] {
  const families = new Map<string, [Text, ...Text[]]>()
  for (const text of texts) {
    const name = `${Number(text.anyCase)}${text.groups} ${text.text.slice(0, -1)}`
    const family = families.get(name)
    if (family === undefined) families.set(name, [text])
    else family.push(text)
  }
  return [...families.values()]
}

function addShort(region: Uint8Array, { text, anyCase }: Text, bucket: number): void {
  const add = (at: number): void => {
    region[at] = (region[at] ?? 0) | (1 << bucket)
  }
  add(text.length === 3 ? needlePlaces.bucketsOfThree : needlePlaces.bucketsOfTwo)
  for (let i = 0; i < 3; i++) {
    const [low, high] = [32 * i, 32 * i + 16]
    if (i >= text.length) {
      for (let half = 0; half < 16; half++) [low + half, high + half].forEach(add)
      continue
    }
    for (const byte of bytesOf(text.charAt(i), anyCase)) {
      add(low + (byte & 15))
      add(high + (byte >> 4))
    }
  }
}

function bytesOf(letter: string, anyCase: boolean): readonly number[] {
  const byte = letter.charCodeAt(0)
  return anyCase ? [byte, letter.toUpperCase().charCodeAt(0)] : [byte]
}

function addEntry(view: DataView, number: number, family: Family): void {
  const at = needlePlaces.entries + number * needleEntry.bytes
  const [{ text, anyCase, groups }] = family
  for (let i = 0; i < text.length - 1; i++) {
    view.setUint8(at + i, text.charCodeAt(i))
    const isLetter = anyCase && /[a-z]/.test(text.charAt(i))
    view.setUint8(at + needleEntry.fold + i, isLetter ? 0x20 : 0)
    view.setUint8(at + needleEntry.mask + i, 0xff)
  }
  for (const byte of family.flatMap((one) => bytesOf(one.text.slice(-1), anyCase))) {
    setBit(view, at + needleEntry.lasts, byte)
  }
  view.setUint8(at + needleEntry.length, text.length)
  view.setUint8(at + needleEntry.groups, groups)
}

function addHooks(view: DataView, families: readonly Family[]): void {
  let number = 0
  for (const [entry, family] of families.entries()) {
    const known = new Set<string>()
    for (const hook of hooksOf(family)) {
      const name = `${hook.offset} ${hook.key}`
      if (known.has(name)) continue
      known.add(name)
      number += 1
      addHook(view, number, entry, hook)
    }
  }
}

interface Hook {
  readonly key: number
  readonly offset: number
  readonly isShort: boolean
  readonly groups: number
}

/** The hooks of each needle of the family, in front of the last byte if there is room for that. */
function hooksOf(family: Family): readonly Hook[] {
  const [{ text, groups }, ...others] = family
  if (text.length <= shortMax) {
    return family.map((one) => ({ key: keyOf(one.text), offset: 0, isShort: true, groups }))
  }
  const first = chooseOffset(others.length === 0 ? text : text.slice(0, -1))
  return family.flatMap((one) =>
    [first, first + 1].map((offset) => {
      const key = keyOf(one.text.slice(offset, offset + 3))
      return { key, offset, isShort: false, groups }
    }),
  )
}

function addHook(view: DataView, number: number, entry: number, hook: Hook): void {
  const at = needlePlaces.hooks + (number - 1) * needleHook.bytes
  const head = needlePlaces.heads + 2 * hashOf(hook.key, headBits)
  view.setUint32(at + needleHook.key, hook.key, true)
  view.setUint16(at + needleHook.next, view.getUint16(head, true), true)
  view.setUint16(at + needleHook.entry, entry, true)
  view.setUint8(at + needleHook.offset, hook.offset)
  view.setUint8(at + needleHook.groups, hook.groups)
  view.setUint16(head, number, true)
  if (!hook.isShort) setBit(view, needlePlaces.map, hashOf(hook.key, mapBits))
}

function setBit(view: DataView, at: number, bit: number): void {
  const place = at + (bit >> 3)
  view.setUint8(place, view.getUint8(place) | (1 << (bit & 7)))
}

function hashOf(key: number, bits: number): number {
  return Math.imul(key, spread) >>> (32 - bits)
}

function keyOf(bytes: string): number {
  let key = bytes.length === 2 ? 1 << 24 : 0
  for (let i = 0; i < bytes.length; i++) key |= (bytes.charCodeAt(i) | 0x20) << (8 * i)
  return key
}
