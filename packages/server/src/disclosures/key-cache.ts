import { type DataKey, pseudonymUnder } from "./key-name.ts"

/** A key in the clear, in memory. */
export interface OpenKey extends DataKey {
  pseudonym: string | undefined
}

const keysMax = 4096

/** The keys that were asked for last, in the clear; few of them, and overwritten when they go. */
export class KeyCache {
  readonly #keys = new Map<string, OpenKey>()

  get(name: string): OpenKey | undefined {
    const key = this.#keys.get(name)
    if (key === undefined) return undefined
    this.#keys.delete(name)
    this.#keys.set(name, key)
    return key
  }

  set(name: string, key: OpenKey): void {
    this.#keys.set(name, key)
    if (this.#keys.size <= keysMax) return
    const [oldest] = this.#keys.keys()
    if (oldest !== undefined) this.#drop(oldest)
  }

  /** Forgets keys by their numbers. */
  forget(numbers: ReadonlySet<number>): void {
    for (const [name, key] of [...this.#keys]) {
      if (numbers.has(key.id.number)) this.#drop(name)
    }
  }

  #drop(name: string): void {
    this.#keys.get(name)?.secret.fill(0)
    this.#keys.delete(name)
  }
}

export function pseudonymOf(key: OpenKey): string {
  key.pseudonym ??= pseudonymUnder(key.secret)
  return key.pseudonym
}
