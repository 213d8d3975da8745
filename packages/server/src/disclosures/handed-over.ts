import { randomBytes } from "node:crypto"
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { KeptOut } from "@postern/log/event"
import { diskError } from "../disk/index.ts"
import { seal, unseal } from "./sealed-file.ts"
import type { SealingKey } from "./sealing-keys.ts"

/** Directory below `data/disclosures`. */
const directoryName = "handed-over"
const keyBytes = 32
/** What no event has named by then is forgotten, in milliseconds: its batch should have followed at once. */
const forgottenAfterMs = 24 * 3600 * 1000

interface Handed {
  /** Names the file. */
  readonly number: number
  readonly bytes: number
  readonly at: number
}

/**
 * Values that writers handed over, until the policy has decided what is kept of them (docs/spec/disclosures.md, Handed over). On
 * disk because they may be many; sealed with a key that is in this process's memory only, so that once it has ended nobody can
 * read what it left. Nothing here has to last: a writer hands over again what was not acknowledged.
 */
export class HandedOver {
  readonly #directory: string
  readonly #now: () => number
  readonly #key: SealingKey = { id: directoryName, secret: randomBytes(keyBytes) }
  /** By writer and digest; the oldest stand first. */
  readonly #handed = new Map<string, Handed>()
  #next = 0

  private constructor(directory: string, now: () => number) {
    this.#directory = directory
    this.#now = now
  }

  /** Removes what the process before has left. Errors: DISK_FULL, DISK_FAILED. */
  static async open(sealed: string, now: () => number): Promise<HandedOver> {
    const directory = join(sealed, directoryName)
    try {
      await rm(directory, { recursive: true, force: true })
      await mkdir(directory, { recursive: true, mode: 0o700 })
    } catch (cause) {
      throw diskError(cause)
    }
    return new HandedOver(directory, now)
  }

  holds(writer: string, digest: string): boolean {
    return this.#handed.has(keyOf(writer, digest))
  }

  /** Errors: DISK_FULL, DISK_FAILED. */
  async keep(writer: string, { json, digest }: KeptOut): Promise<void> {
    await this.#forgetOld()
    if (this.holds(writer, digest)) return
    const number = this.#next
    this.#next += 1
    try {
      const sealed = await seal(json, digest, this.#key)
      await writeFile(this.#pathOf(number), sealed, { mode: 0o600 })
    } catch (cause) {
      await rm(this.#pathOf(number), { force: true })
      throw diskError(cause)
    }
    this.#handed.set(keyOf(writer, digest), { number, bytes: json.length, at: this.#now() })
  }

  /** Bytes of the disclosure's JSON; undefined if it is not there. */
  bytesOf(writer: string, digest: string): number | undefined {
    return this.#handed.get(keyOf(writer, digest))?.bytes
  }

  /** The disclosure's JSON bytes; undefined if it is not there, or not what was written. */
  async read(writer: string, digest: string): Promise<Uint8Array | undefined> {
    const handed = this.#handed.get(keyOf(writer, digest))
    if (handed === undefined) return undefined
    const file = await readFile(this.#pathOf(handed.number)).catch(() => undefined) // Somebody took it away.
    return file && unseal(file, digest, this.#key)
  }

  async forget(writer: string, digests: Iterable<string>): Promise<void> {
    for (const digest of digests) await this.#forget(keyOf(writer, digest))
  }

  async #forgetOld(): Promise<void> {
    for (const [key, { at }] of this.#handed) {
      if (this.#now() - at < forgottenAfterMs) return
      await this.#forget(key)
    }
  }

  async #forget(key: string): Promise<void> {
    const handed = this.#handed.get(key)
    if (handed === undefined) return
    this.#handed.delete(key)
    await rm(this.#pathOf(handed.number), { force: true })
  }

  #pathOf(number: number): string {
    return join(this.#directory, String(number))
  }
}

function keyOf(writer: string, digest: string): string {
  return `${digest} ${writer}`
}
