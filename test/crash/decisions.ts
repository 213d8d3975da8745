/**
 * Where the programme takes its chances: the moments of the kills, the sizes of events, the bytes that are damaged.
 * Everything follows from one seed, so a round that failed can be decided the same way again. (The machine's own timing
 * cannot be replayed.)
 */
export class Decisions {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Decisions of their own for `name`: what one part draws does not move what another gets. */
  apart(name: string): Decisions {
    return new Decisions(hashText(`${this.#state} ${name}`))
  }

  /** In [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    return mix(this.#state) / 2 ** 32
  }

  /** An integer in [from, to). */
  between(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from))
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.between(0, choices.length)]
    if (choice === undefined) throw new Error("there is nothing to choose from")
    return choice
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let i = 0; i < length; i++) bytes[i] = this.between(0, 256)
    return bytes
  }
}

/** 32 bits of a text, well spread (FNV-1a, then mixed). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

function mix(value: number): number {
  let x = value >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}
