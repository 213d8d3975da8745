import { encodeUtf8, equalBytes, limits, sha256 } from "../../base/index.ts"
import { type Changed, deriveNonce, formatStamp } from "../../event/index.ts"
import { type Core, type CoreOptions, rowBytes, rowField, verdicts } from "../api.ts"
import { createLayout } from "../layout.ts"
import { scanEvent, spanFields } from "./event.ts"
import { JsonReader, Refusal } from "./json.ts"
import { createMemories } from "./memories.ts"
import { mention } from "./mention.ts"
import { createTree } from "./tree.ts"

const seedBytes = 16
const membersDepthMax = 34
const lengthBytes = 4

/**
 * The core in plain TypeScript: written for reading, and independently of the WebAssembly one,
 * whose oracle it is. It also stands in where WebAssembly SIMD is missing.
 */
export function createPlainCore(options: CoreOptions): Core {
  const memory = new Uint8Array(options.memoryBytes)
  // Position 0 stays free, so that no region has the position of nothing.
  const layout = createLayout(options, 64)
  return {
    kind: "plain",
    memory,
    ...layout,
    ...createTree(memory, layout),
    ...createRows(memory),
    ...createRecords(memory),
    ...createMemories(memory),
    mention: (rows, count, needles) => mention(memory, rows, count, needles),
    members: (at, end, spans, spansMax) => members(memory, at, end, spans, spansMax),
    sha256: (at, end, out) => memory.set(sha256(memory.subarray(at, end)), out),
  }
}

type Rows = Pick<Core, "split" | "scan" | "allow" | "deny">

function createRows(memory: Uint8Array): Rows {
  const view = new DataView(memory.buffer)
  const get = (at: number): number => view.getUint32(at, true)
  const set = (at: number, value: number): void => view.setUint32(at, value, true)

  /** Marks the rows for which "some pattern matches" is `wanted`. */
  const mark = (wanted: boolean, ...[rows, count, field, at, end, verdict]: MatchArguments) => {
    const patterns = readPatterns(memory, at, end)
    let marked = 0
    for (let row = rows; row < rows + count * rowBytes; row += rowBytes) {
      if (get(row + rowField.verdict) !== verdicts.accepted) continue
      const start = get(row + field)
      const value = memory.subarray(start, start + get(row + field + 4))
      if (patterns.some((matches) => matches(value)) !== wanted) continue
      set(row + rowField.verdict, verdict)
      marked += 1
    }
    return marked
  }

  return {
    split(at, end, rows, rowsMax) {
      let count = 0
      while (at < end) {
        if (end - at < lengthBytes || count === rowsMax) return -1
        const length = view.getUint32(at)
        at += lengthBytes
        if (length > end - at) return -1
        const row = rows + rowBytes * count
        memory.fill(0, row, row + rowBytes)
        set(row + rowField.offset, at)
        set(row + rowField.length, length)
        at += length
        count += 1
      }
      return count
    },

    scan(rows, count) {
      let refused = 0
      for (let row = rows; row < rows + count * rowBytes; row += rowBytes) {
        const at = get(row + rowField.offset)
        const scanned = scanEvent(memory.subarray(at, at + get(row + rowField.length)))
        memory.fill(0, row + rowField.verdict, row + rowBytes)
        set(row + rowField.verdict, scanned.verdict)
        set(row + rowField.position, scanned.position)
        for (const name of spanFields) {
          const span = scanned.spans.get(name)
          if (span === undefined) continue
          set(row + rowField[name], at + span.start)
          set(row + rowField[name] + 4, span.end - span.start)
        }
        if (scanned.verdict !== verdicts.accepted) refused += 1
      }
      return refused
    },

    allow: (...matchArguments) => mark(false, ...matchArguments),
    deny: (...matchArguments) => mark(true, ...matchArguments),
  }
}

type MatchArguments = Parameters<Core["allow"]>
type Pattern = (value: Uint8Array) => boolean

function readPatterns(memory: Uint8Array, at: number, end: number): readonly Pattern[] {
  const view = new DataView(memory.buffer)
  const patterns: Pattern[] = []
  while (at < end) {
    const isPrefix = view.getUint8(at) === 1
    const start = at + 3
    at = start + view.getUint16(at + 1)
    const bytes = memory.subarray(start, at)
    patterns.push((value) => equalBytes(isPrefix ? value.subarray(0, bytes.length) : value, bytes))
  }
  return patterns
}

type Records = Pick<Core, "stamp" | "hashLeaves" | "writeLengths">

function createRecords(memory: Uint8Array): Records {
  const view = new DataView(memory.buffer)
  const get = (at: number): number => view.getUint32(at, true)

  return {
    stamp(rows, count, to, leaves, received, open, sequence, changed, seed) {
      const seedCopy = memory.slice(seed, seed + seedBytes)
      for (let j = 0; j < count; j++) {
        const row = rows + rowBytes * j
        if (get(row + rowField.verdict) !== verdicts.accepted) continue
        const nonce = deriveNonce(seedCopy, j)
        const code = (memory[row + rowField.changed] || changed) as Changed
        const stamp = { received, open, sequence: sequence + j, nonce, changed: code }
        const head = encodeUtf8(`${formatStamp(stamp)}\n`)
        const length = get(row + rowField.length)
        if (head.length + length > limits.entryBytesMax) {
          view.setUint32(row + rowField.verdict, verdicts.tooLarge, true)
          continue
        }
        memory.fill(0, to, to + 2)
        const leaf = to + 2
        memory.set(head, leaf)
        const event = get(row + rowField.offset)
        memory.copyWithin(leaf + head.length, event, event + length)
        to = leaf + head.length + length
        view.setUint32(leaves, leaf, true)
        view.setUint32(leaves + 4, to - leaf, true)
        leaves += 8
      }
      return to
    },

    hashLeaves(leaves, from, to, hashes) {
      for (let i = from; i < to; i++) {
        const leaf = get(leaves + 8 * i)
        // The byte before the leaf is the 0x00 of RFC 6962's leaf hash.
        const message = memory.subarray(leaf - 1, leaf + get(leaves + 8 * i + 4))
        memory.set(sha256(message), hashes + 32 * i)
      }
    },

    writeLengths(leaves, count) {
      for (let i = 0; i < count; i++) {
        view.setUint16(get(leaves + 8 * i) - 2, get(leaves + 8 * i + 4))
      }
    },
  }
}

function members(
  memory: Uint8Array,
  at: number,
  end: number,
  spans: number,
  spansMax: number,
): number {
  const text = memory.subarray(at, end)
  const reader = new JsonReader(text, membersDepthMax)
  const found: (readonly [number, number, number, number])[] = []
  const add = (keyStart: number, keyLength: number): void => {
    const value = reader.position
    reader.readValue()
    found.push([keyStart, keyLength, at + value, reader.position - value])
  }
  try {
    reader.readSpace()
    if (reader.peekType() === "object") {
      reader.readObject((key) => add(at + key.start, key.end - key.start))
    } else {
      reader.readArray(() => add(0, 0))
    }
    reader.readEnd()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return -1
  }
  const view = new DataView(memory.buffer)
  for (const [i, numbers] of found.slice(0, spansMax).entries()) {
    for (const [j, value] of numbers.entries()) view.setUint32(spans + 16 * i + 4 * j, value, true)
  }
  return found.length > spansMax ? -2 : found.length
}
