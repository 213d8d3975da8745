import { gunzipSync, gzipSync } from "node:zlib"
import { seal } from "./drafts.ts"

/** Numbers from a seed, the same in every run (Marsaglia's xorshift on 32 bits). */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761 + 1) >>> 0 || 1
    for (let i = 0; i < 8; i++) this.below(2)
  }

  /** A whole number of `[0, limit)`. */
  below(limit: number): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x >>> 0
    return this.#state % limit
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

type Lines = Buffer[]
type Edit = (lines: Lines, chance: Chance, others: Lines) => void

/**
 * A good file after one to three changes. Most get an end line that is right for them, so that what is behind the end
 * line is looked at; the rest are changed as they are, some of them packed.
 */
export function mutate(file: Buffer, other: Buffer, chance: Chance): Buffer {
  const plain = file[0] === 0x1f ? gunzipSync(file) : file
  const lines = splitLines(plain)
  const others = splitLines(other[0] === 0x1f ? gunzipSync(other) : other)
  const isSealed = chance.below(5) > 0
  if (isSealed) lines.pop()
  for (let changes = 1 + chance.below(3); changes > 0; changes--) {
    if (lines.length > 0) chance.of(edits)(lines, chance, others)
  }
  const bytes = isSealed ? seal(lines) : Buffer.concat(lines.flatMap((line) => [line, lineFeed]))
  if (chance.below(12) > 0) return bytes
  const packed = gzipSync(bytes)
  return chance.below(2) === 0 ? packed : damaged(packed, chance)
}

const lineFeed = Buffer.from("\n")

function splitLines(bytes: Buffer): Lines {
  const lines: Lines = []
  let at = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
    lines.push(bytes.subarray(at, end))
    at = end + 1
  }
  return lines
}

function damaged(bytes: Buffer, chance: Chance): Buffer {
  const at = chance.below(bytes.length)
  if (chance.below(4) === 0) return bytes.subarray(0, at)
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ (1 << chance.below(8))
  return copy
}

/** Changes the text of one line. */
function inLine(edit: (text: string, chance: Chance) => string): Edit {
  return (lines, chance) => {
    const i = chance.below(lines.length)
    lines[i] = Buffer.from(edit((lines[i] as Buffer).toString("latin1"), chance), "latin1")
  }
}

/** Changes one of the places that match. */
function atOne(pattern: RegExp, edit: (found: string, chance: Chance) => string): Edit {
  return inLine((text, chance) => {
    const matches = [...text.matchAll(pattern)]
    if (matches.length === 0) return text
    const { 0: found, index } = chance.of(matches)
    return text.slice(0, index) + edit(found, chance) + text.slice(index + found.length)
  })
}

function spliced(text: string, at: number, drop: number, insert = ""): string {
  return text.slice(0, at) + insert + text.slice(at + drop)
}

/** Another number in the place of this one, or the same in a way that is not allowed. */
export function oddNumber(found: string, chance: Chance): string {
  const number = Number(found)
  return chance.of([
    ...[`${number + 1}`, `${Math.max(0, number - 1)}`, "0", "1", `${number * 2}`, `0${found}`],
    ...[`${found}.0`, `${found}e0`, `-${found}`, "9007199254740991", "9007199254740992"],
    ...["9".repeat(40), "", `"${found}"`, "null"],
  ])
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"

const edits: readonly Edit[] = [
  inLine((text, chance) => {
    const at = chance.below(text.length)
    const letter = String.fromCharCode(text.charCodeAt(at) ^ (1 << chance.below(8)))
    return spliced(text, at, 1, letter)
  }),
  inLine((text, chance) => spliced(text, chance.below(text.length), 1)),
  inLine((text, chance) => {
    const insert = chance.of([" ", "\r", "\0", "\xff", ",", '"', "{", "}", "[", "]", "\\", "\n"])
    return spliced(text, chance.below(text.length + 1), 0, insert)
  }),
  inLine((text, chance) => text.slice(0, chance.below(text.length))),
  (lines, chance) => {
    const [i, j] = [chance.below(lines.length), chance.below(lines.length)]
    const [one, two] = [lines[i] as Buffer, lines[j] as Buffer]
    lines[i] = two
    lines[j] = one
  },
  (lines, chance) => {
    const i = chance.below(Math.max(1, lines.length - 1))
    lines.splice(i, 2, ...lines.slice(i, i + 2).reverse())
  },
  (lines, chance) => void lines.splice(chance.below(lines.length), 1),
  (lines, chance) => void lines.splice(chance.below(lines.length + 1), 0, chance.of(lines)),
  (lines, chance, others) =>
    void lines.splice(chance.below(lines.length + 1), 0, chance.of(others)),
  (lines, chance, others) => void lines.splice(chance.below(lines.length), 1, chance.of(others)),
  atOne(/\d+/g, oddNumber),
  atOne(/[A-Za-z0-9+/]{20,}={0,2}/g, (found, chance) => {
    return spliced(found, chance.below(found.length), 1, chance.of([...digits]))
  }),
  atOne(/[A-Za-z0-9+/]{20,}={0,2}/g, (found, chance) => {
    return chance.of([found.replace(/=+$/, ""), `${found}=`, found.slice(0, -1), found.slice(4)])
  }),
  atOne(/[A-Za-z0-9+/]=+/g, (found, chance) => chance.of([...digits]) + found.slice(1)),
  atOne(/[A-Za-z0-9+/]{40,}/g, (found) => found.slice(0, 20) + found.slice(24)),
  atOne(
    /"(?:leaf|context|disclosure|note|batch|hashes|end|origin|kind|claim|count)"/g,
    (_, chance) => {
      const name = chance.of([
        "leaf",
        "context",
        "note",
        "batch",
        "hashes",
        "end",
        "count",
        "kind",
        "disclosure",
      ])
      return `"${name}"`
    },
  ),
  atOne(/"(?:leaf|context)"/g, (found) => (found === '"leaf"' ? '"context"' : '"leaf"')),
  atOne(/"(?:set|range|stream|fork)"/g, (_, chance) => {
    return `"${chance.of(["set", "range", "stream", "fork"])}"`
  }),
  atOne(/[A-Za-z0-9]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`),
  atOne(/"[a-z]+":(?:"[^"]*"|\d+)/g, (found) => `${found},${found}`),
  atOne(/\\n/g, (_, chance) => chance.of(["", "\\n\\n", "\\r\\n", "\\u000a", "\\t"])),
]
