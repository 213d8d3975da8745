import type { Decisions } from "../crash/decisions.ts"
import type { Input } from "./parser.ts"

const lengthMax = 65_536
const hugeLength = 1_000_000

/** An input after one to four changes; some of the changes know what numbers, lines and base64 look like. */
export function mutate(input: Input, other: Input, decisions: Decisions): Input {
  let changed = input
  for (let left = decisions.between(1, 5); left > 0; left--) {
    changed =
      typeof changed === "string"
        ? decisions.pick(textEdits)(changed, String(other), decisions)
        : changeBytes(changed, other as Uint8Array, decisions)
  }
  return changed.length > lengthMax ? changed.slice(0, lengthMax) : changed
}

/** An input of which a few characters are repeated until it is huge. */
export function swell(input: Input, decisions: Decisions): Input {
  const [from, to] = spanOf(input.length, decisions)
  const times = Math.floor(hugeLength / Math.max(1, to - from))
  if (typeof input === "string") {
    return input.slice(0, to) + input.slice(from, to).repeat(times) + input.slice(to)
  }
  const span = Buffer.alloc(times * (to - from), input.subarray(from, to))
  return joined(input.subarray(0, to), span, input.subarray(to))
}

/** Bytes that are JSON, or hold text, are changed as text half of the time. */
function changeBytes(bytes: Uint8Array, other: Uint8Array, decisions: Decisions): Uint8Array {
  if (decisions.chance(0.5)) return decisions.pick(byteEdits)(bytes, other, decisions)
  const text = Buffer.from(bytes).toString("latin1")
  const edited = decisions.pick(textEdits)(text, Buffer.from(other).toString("latin1"), decisions)
  return new Uint8Array(Buffer.from(edited, decisions.chance(0.2) ? "utf8" : "latin1"))
}

type Edit<I> = (input: I, other: I, decisions: Decisions) => I

const letters = [
  ...["\0", "\t", "\n", "\r", " ", "\x7f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\ud800"],
  ...["\udc00", "é", "—", "-", "+", "=", "/", "_", '"', "\\", "{", "}", "[", "]", ",", ":", "0"],
  ...["9", "A", "b", "\n\n", "\\u0000", "\\ud800", "__proto__", "null", "1e3", "-0"],
]

/** A place, and another one behind it, not far. */
function spanOf(length: number, decisions: Decisions): [from: number, to: number] {
  const from = decisions.between(0, length + 1)
  return [from, Math.min(length, from + decisions.between(1, decisions.chance(0.3) ? 60 : 4))]
}

const textEdits: readonly Edit<string>[] = [
  (text, _, decisions) => {
    const [from] = spanOf(text.length, decisions)
    return text.slice(0, from) + decisions.pick(letters) + text.slice(from + 1)
  },
  (text, _, decisions) => {
    const [from] = spanOf(text.length, decisions)
    return text.slice(0, from) + decisions.pick(letters) + text.slice(from)
  },
  (text, _, decisions) => {
    const [from, to] = spanOf(text.length, decisions)
    return text.slice(0, from) + text.slice(to)
  },
  (text, _, decisions) => {
    const [from, to] = spanOf(text.length, decisions)
    const times = decisions.chance(0.1) ? 2 ** decisions.between(3, 13) : 1
    const span = text.slice(from, to)
    return text.slice(0, to) + span.repeat(Math.min(times, lengthMax)) + text.slice(to)
  },
  (text, _, decisions) => text.slice(0, decisions.between(0, text.length + 1)),
  (text, other, decisions) => {
    const [from, to] = spanOf(text.length, decisions)
    const [a, b] = spanOf(other.length, decisions)
    return text.slice(0, from) + other.slice(a, b) + text.slice(to)
  },
  atOne(/\d+/g, (found, decisions) => {
    const number = Number(found)
    return decisions.pick([
      ...[`${number + 1}`, `${Math.max(0, number - 1)}`, "0", `0${found}`, `-${found}`, "-0"],
      ...[`${found}.0`, `${found}e0`, `+${found}`, "65535", "65536", "4294967295", "4294967296"],
      ...["99999999999999", "100000000000000", "9007199254740991", "9007199254740992"],
      ...["9".repeat(30), `"${found}"`, "null", "true", "[]", "{}"],
    ])
  }),
  atOne(/[A-Za-z0-9+/]{8,}={0,2}/g, (found, decisions) => {
    const last = found.replace(/=+$/, "")
    const next = String.fromCharCode(last.charCodeAt(last.length - 1) + 1)
    return decisions.pick([
      ...[last, `${found}=`, found.slice(1), found.slice(4), `${found}AAAA`, found.toLowerCase()],
      ...[last.slice(0, -1) + next + found.slice(last.length), found.replaceAll("/", "_")],
    ])
  }),
  atLines((lines, i) => lines.splice(i, 1)),
  atLines((lines, i, decisions) => {
    lines.splice(decisions.between(0, lines.length + 1), 0, lines[i] ?? "")
  }),
  atLines((lines, i, decisions) => {
    const j = decisions.between(0, lines.length)
    const line = lines[i] ?? ""
    lines[i] = lines[j] ?? ""
    lines[j] = line
  }),
  atOne(/"[^"\\]*":/g, (found, decisions) => {
    return decisions.pick([
      `${found}null,${found}`,
      '"__proto__":',
      '"x":',
      `"${found.slice(1, 2)}`,
    ])
  }),
]

function atOne(
  pattern: RegExp,
  edit: (found: string, decisions: Decisions) => string,
): Edit<string> {
  return (text, _, decisions) => {
    const matches = [...text.matchAll(pattern)]
    if (matches.length === 0) return text
    const { 0: found, index } = decisions.pick(matches)
    return text.slice(0, index) + edit(found, decisions) + text.slice(index + found.length)
  }
}

function atLines(
  edit: (lines: string[], i: number, decisions: Decisions) => unknown,
): Edit<string> {
  return (text, _, decisions) => {
    const lines = text.split("\n")
    edit(lines, decisions.between(0, lines.length), decisions)
    return lines.join("\n")
  }
}

const byteEdits: readonly Edit<Uint8Array>[] = [
  (bytes, _, decisions) => written(bytes, decisions, 1, decisions.pick([0, 1, 127, 128, 255])),
  (bytes, _, decisions) => {
    const at = decisions.between(0, bytes.length + 1)
    const copy = Uint8Array.from(bytes)
    if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << decisions.between(0, 8))
    return copy
  },
  (bytes, _, decisions) => written(bytes, decisions, decisions.pick([2, 4, 8]), 0),
  (bytes, _, decisions) => written(bytes, decisions, decisions.pick([2, 4, 8]), 255),
  (bytes, _, decisions) => {
    const [from, to] = spanOf(bytes.length, decisions)
    return joined(bytes.subarray(0, from), bytes.subarray(to))
  },
  (bytes, _, decisions) => {
    const [from, to] = spanOf(bytes.length, decisions)
    return joined(bytes.subarray(0, to), bytes.subarray(from))
  },
  (bytes, _, decisions) => bytes.slice(0, decisions.between(0, bytes.length + 1)),
  (bytes, other, decisions) => {
    const [from, to] = spanOf(bytes.length, decisions)
    const [a, b] = spanOf(other.length, decisions)
    return joined(bytes.subarray(0, from), other.subarray(a, b), bytes.subarray(to))
  },
]

function written(bytes: Uint8Array, decisions: Decisions, count: number, value: number) {
  const at = decisions.between(0, bytes.length + 1)
  return Uint8Array.from(bytes, (byte, i) => (i >= at && i < at + count ? value : byte))
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
