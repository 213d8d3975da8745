/** Keeps what was read of files, up to a number of bytes; what was not used for longest goes first. */
export class SectionCache {
  readonly #bytesMax: number
  readonly #kept = new Map<string, { readonly value: object; readonly bytes: number }>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @param name of the file and of what is read: `FILE/WHAT`; `read` gives the value and how many bytes it takes */
  get<T extends object>(
    name: string,
    read: () => { readonly value: T; readonly bytes: number },
  ): T {
    const known = this.find<T>(name)
    if (known !== undefined) return known
    const { value, bytes } = read()
    this.keep(name, value, bytes)
    return value
  }

  find<T extends object>(name: string): T | undefined {
    const known = this.#kept.get(name)
    if (known === undefined) return undefined
    this.#kept.delete(name)
    this.#kept.set(name, known)
    return known.value as T
  }

  /** Of one name the last counts. */
  keep(name: string, value: object, bytes: number): void {
    this.#bytes -= this.#kept.get(name)?.bytes ?? 0
    this.#kept.delete(name)
    this.#kept.set(name, { value, bytes })
    this.#bytes += bytes
    for (const [oldest, { bytes: freed }] of this.#kept) {
      if (this.#bytes <= this.#bytesMax || this.#kept.size === 1) break
      this.#kept.delete(oldest)
      this.#bytes -= freed
    }
  }

  /** Forgets a file. */
  drop(file: string): void {
    for (const [name, { bytes }] of this.#kept) {
      if (!name.startsWith(`${file}/`)) continue
      this.#kept.delete(name)
      this.#bytes -= bytes
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#bytes = 0
  }
}
