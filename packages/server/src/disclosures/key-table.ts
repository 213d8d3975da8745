/**
 * From a tag to a key's number, in about 16 bytes a key: open addressing over 32 bits of the tag. What it says is a candidate;
 * the record says whether it is the one. Tags are HMACs, so nobody can choose them to be alike.
 */
export class KeyTable {
  /** Pairs: 32 bits of the tag, then the number + 1; 0 is free, `gone` was taken away. */
  #cells: Uint32Array
  #used = 0

  constructor(keys = 0) {
    this.#cells = new Uint32Array(2 * capacityFor(keys))
  }

  get bytes(): number {
    return this.#cells.byteLength
  }

  /** One that was added under this tag and that `isIt` takes. */
  find(tag: Uint8Array, isIt: (number: number) => boolean): number | undefined {
    const print = printOf(tag)
    const cells = this.#cells
    const mask = cells.length / 2 - 1
    for (let at = print & mask; ; at = (at + 1) & mask) {
      const value = cells[2 * at + 1] as number
      if (value === 0) return undefined
      if (value !== gone && cells[2 * at] === print && isIt(value - 1)) return value - 1
    }
  }

  add(tag: Uint8Array, number: number): void {
    if (4 * (this.#used + 1) > 3 * (this.#cells.length / 2)) this.#grow()
    put(this.#cells, printOf(tag), number + 1)
    this.#used += 1
  }

  remove(tag: Uint8Array, number: number): void {
    const print = printOf(tag)
    const cells = this.#cells
    const mask = cells.length / 2 - 1
    for (let at = print & mask; cells[2 * at + 1] !== 0; at = (at + 1) & mask) {
      if (cells[2 * at + 1] === number + 1) cells[2 * at + 1] = gone
    }
  }

  #grow(): void {
    const before = this.#cells
    const live: number[] = []
    for (let at = 0; at < before.length; at += 2) {
      if (before[at + 1] !== 0 && before[at + 1] !== gone) live.push(at)
    }
    const cells = new Uint32Array(2 * capacityFor(live.length + 1))
    for (const at of live) put(cells, before[at] as number, before[at + 1] as number)
    this.#cells = cells
    this.#used = live.length
  }
}

const gone = 0xffff_ffff
const cellsMin = 1024

/** A power of two, at most half full. */
function capacityFor(keys: number): number {
  return Math.max(cellsMin, 2 ** Math.ceil(Math.log2(2 * keys)))
}

function put(cells: Uint32Array, print: number, value: number): void {
  const mask = cells.length / 2 - 1
  let at = print & mask
  while (cells[2 * at + 1] !== 0) at = (at + 1) & mask
  cells[2 * at] = print
  cells[2 * at + 1] = value
}

function printOf(tag: Uint8Array): number {
  return (
    ((tag[0] ?? 0) | ((tag[1] ?? 0) << 8) | ((tag[2] ?? 0) << 16) | ((tag[3] ?? 0) << 24)) >>> 0
  )
}
