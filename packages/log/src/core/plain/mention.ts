import { rowBytes, rowField, verdicts } from "../api.ts"
import { needleEntry, needlePlaces } from "../needles.ts"

/** As encodeNeedles wrote it: lower-case if case does not matter. */
interface Needle {
  readonly text: string
  readonly anyCase: boolean
  readonly groups: number
}

/** The least byte of what is not ASCII. */
const beyondAscii = 0x80
/** One character for each byte, ASCII for ASCII and nothing else for it. */
const decoder = new TextDecoder("latin1")

/** The contract is Core.mention. */
export function mention(memory: Uint8Array, rows: number, count: number, region: number): number {
  const view = new DataView(memory.buffer)
  const needles = readNeedles(memory, region)
  let mentioning = 0
  for (let row = rows; row < rows + count * rowBytes; row += rowBytes) {
    if (view.getUint32(row + rowField.verdict, true) !== verdicts.accepted) continue
    const at = view.getUint32(row + rowField.offset, true)
    const event = memory.slice(at, at + view.getUint32(row + rowField.length, true))
    const beyond = event.some((byte) => byte >= beyondAscii)
      ? (memory[region + needlePlaces.beyond] ?? 0)
      : 0
    const fixed = fixedSpans(view, row).map(([from, to]) => [from - at, to - at] as const)
    const found = view.getUint8(row + rowField.mentions) | beyond | groupsIn(event, needles, fixed)
    view.setUint8(row + rowField.mentions, found)
    if (found !== 0) mentioning += 1
  }
  return mentioning
}

type Span = readonly [from: number, to: number]

/** Where the five texts stand that nobody ever changes. */
function fixedSpans(view: DataView, row: number): Span[] {
  const { id, time, source, action, outcome } = rowField
  return [id, time, source, action, outcome].map((field) => {
    const from = view.getUint32(row + field, true)
    return [from, from + view.getUint32(row + field + 4, true)]
  })
}

function standsIn(text: string, needle: string, fixed: readonly Span[]): boolean {
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    const end = at + needle.length
    if (!fixed.some(([from, to]) => from <= at && end <= to)) return true
  }
  return false
}

function groupsIn(event: Uint8Array, needles: readonly Needle[], fixed: readonly Span[]): number {
  const text = decoder.decode(event)
  const lower = text.toLowerCase()
  let found = 0
  for (const needle of needles) {
    if ((needle.groups & ~found) === 0) continue
    if (standsIn(needle.anyCase ? lower : text, needle.text, fixed)) found |= needle.groups
  }
  return found
}

/** Nothing is read of what is only there to be quick. */
function readNeedles(memory: Uint8Array, region: number): readonly Needle[] {
  const count = new DataView(memory.buffer).getUint16(region + needlePlaces.count, true)
  return Array.from({ length: count }, (_, i) => {
    const at = region + needlePlaces.entries + i * needleEntry.bytes
    const stemLength = (memory[at + needleEntry.length] ?? 0) - 1
    const stem = decoder.decode(memory.subarray(at, at + stemLength))
    const fold = memory.subarray(at + needleEntry.fold, at + needleEntry.fold + stemLength)
    const anyCase = fold.some((bits) => bits !== 0)
    const groups = memory[at + needleEntry.groups] ?? 0
    return lastBytes(memory, at).map((last) => ({ text: stem + last, anyCase, groups }))
  }).flat()
}

function lastBytes(memory: Uint8Array, entry: number): readonly string[] {
  const isLast = (byte: number): boolean =>
    (((memory[entry + needleEntry.lasts + (byte >> 3)] ?? 0) >> (byte & 7)) & 1) === 1
  return Array.from({ length: 128 }, (_, byte) => byte)
    .filter(isLast)
    .map((byte) => String.fromCharCode(byte))
}
