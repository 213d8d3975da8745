import { assert, encodeUtf8 } from "@postern/log/base"

const backslash = 0x5c

/** Some member names of one kind of object, to be recognised as bytes. */
export class Names<Name extends string> {
  /** Number of the name, for use with slots. */
  readonly index: { readonly [N in Name]: number }
  readonly count: number
  readonly #byLength: { readonly bytes: Uint8Array; readonly number: number }[][] = []

  constructor(names: readonly Name[]) {
    this.count = names.length
    const index = {} as { [N in Name]: number }
    for (const [number, name] of names.entries()) {
      const bytes = encodeUtf8(name)
      index[name] = number
      this.#byLength[bytes.length] ??= []
      this.#byLength[bytes.length]?.push({ bytes, number })
    }
    this.index = index
  }

  /** The number of the name at `[at, at + length)`, or -1. */
  find(memory: Uint8Array, at: number, length: number): number {
    const candidates = this.#byLength[length]
    if (candidates === undefined) return -1
    for (let c = 0; c < candidates.length; c++) {
      const { bytes, number } = candidates[c] as { bytes: Uint8Array; number: number }
      let i = 0
      while (i < length && memory[at + i] === bytes[i]) i += 1
      if (i === length) return number
    }
    return -1
  }
}

/**
 * Where the values of an object's named members stand: offset and end for each name; 0, 0 = not
 * there.
 */
export class Slots<Name extends string> {
  readonly names: Names<Name>
  readonly #spans: Uint32Array

  constructor(names: Names<Name>) {
    this.names = names
    this.#spans = new Uint32Array(2 * names.count)
  }

  clear(): void {
    // A loop: so few that the call of fill() would cost more.
    for (let i = 0; i < this.#spans.length; i += 1) this.#spans[i] = 0
  }

  /** False if the name has a value already. */
  set(number: number, at: number, end: number): boolean {
    const free = this.#spans[2 * number] === 0
    this.#spans[2 * number] = at
    this.#spans[2 * number + 1] = end
    return free
  }

  at(number: number): number {
    return this.#spans[2 * number] as number
  }

  end(number: number): number {
    return this.#spans[2 * number + 1] as number
  }
}

/**
 * What core.members last wrote. Offsets of four u32: key offset, key length, value offset, length.
 */
export interface Spans {
  readonly u32: Uint32Array
  /** Index of the first u32 of the scratch region. */
  readonly first: number
}

export function viewSpans(memory: Uint8Array, spans: number): Spans {
  assert(spans % 4 === 0, "spans stand at a multiple of 4")
  return { u32: new Uint32Array(memory.buffer), first: spans / 4 }
}

/**
 * Puts the values of the `count` members in `spans` into their slots. False for an object that two
 * readers could read differently: a wanted name that stands twice, or a name that is written with
 * an escape and might be one of them. With `escapes`, such names are taken for others.
 */
export function sortMembers<Name extends string>(
  memory: Uint8Array,
  spans: Spans,
  count: number,
  slots: Slots<Name>,
  escapes = false,
): boolean {
  const { u32, first } = spans
  slots.clear()
  for (let i = first; i < first + 4 * count; i += 4) {
    const key = u32[i] as number
    const length = u32[i + 1] as number
    const number = slots.names.find(memory, key, length)
    if (number < 0) {
      if (escapes) continue
      for (let at = key; at < key + length; at++) if (memory[at] === backslash) return false
    } else {
      const value = u32[i + 2] as number
      if (!slots.set(number, value, value + (u32[i + 3] as number))) return false
    }
  }
  return true
}
