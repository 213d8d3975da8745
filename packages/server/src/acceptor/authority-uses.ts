import type { Peer } from "./api.ts"

/** That an identity came in under a certificate of this CA, or was in. */
export interface AuthorityUse {
  /** SHA-256 of the CA's certificate, lower-case hex. */
  readonly authority: string
  /** SPIFFE ID. */
  readonly id: string
  /** The newest time that is known, milliseconds since the epoch. */
  readonly atMs: number
}

const version = "authorities@v1"
/** Live connections count as uses so often; somebody new is written down sooner. */
const stampMs = 60_000
const newMs = 5_000
/** A CA that nobody used for longer is in nobody's way. */
const keptMs = 400 * 86_400_000
const usesMax = 20_000

/**
 * Which CA each identity last came in under: what must be known before a CA can be dropped. Kept as
 * a text, which may be some seconds old, of connections that stay open a minute; nothing is decided
 * by it at the door.
 */
export class AuthorityUses {
  readonly #uses: Map<string, AuthorityUse>
  readonly #write: (text: string) => Promise<void>
  #isChanged = false
  #stampedMs = Number.NEGATIVE_INFINITY
  #writing: Promise<void> = Promise.resolve()

  /**
   * @param text what was written before; what cannot be read counts as nothing
   * @param write keeps the text, and says so itself if it cannot
   */
  constructor(text: string | undefined, write: (text: string) => Promise<void>) {
    const known = parseAuthorityUses(text ?? "")
    this.#uses = new Map(known.map((use) => [keyOf(use), use]))
    this.#write = write
  }

  /** Somebody came in. */
  see({ authority, id }: Pick<Peer, "authority" | "id">, atMs: number): void {
    if (authority === undefined) return
    const key = keyOf({ authority, id })
    if (!this.#uses.has(key) && this.#uses.size >= usesMax) return
    this.#isChanged = true
    this.#uses.set(key, { authority, id, atMs })
  }

  /** To be called every second with everybody who is in. */
  async look(live: Iterable<Peer>, nowMs: number): Promise<void> {
    if (nowMs - this.#stampedMs < (this.#isChanged ? newMs : stampMs)) return
    this.#stampedMs = nowMs
    await this.keep(live, nowMs)
  }

  /** Writes it down now. */
  async keep(live: Iterable<Peer>, nowMs: number): Promise<void> {
    for (const peer of live) this.see(peer, nowMs)
    this.#isChanged = false
    for (const [key, { atMs }] of this.#uses) if (nowMs - atMs > keptMs) this.#uses.delete(key)
    const text = JSON.stringify({ postern: version, uses: [...this.#uses.values()] })
    this.#writing = this.#writing.then(() => this.#write(`${text}\n`))
    await this.#writing
  }
}

/** None for a text that is not one of ours. */
export function parseAuthorityUses(text: string): AuthorityUse[] {
  try {
    const { postern, uses } = JSON.parse(text) as { postern?: unknown; uses?: unknown }
    if (postern !== version || !Array.isArray(uses)) return []
    return uses.filter(isUse).slice(0, usesMax)
  } catch {
    return [] // Nothing there yet, or damaged: it is known again when peers come.
  }
}

function isUse(value: unknown): value is AuthorityUse {
  const { authority, id, atMs } = (value ?? {}) as Record<string, unknown>
  return typeof authority === "string" && typeof id === "string" && Number.isSafeInteger(atMs)
}

function keyOf({ authority, id }: Pick<AuthorityUse, "authority" | "id">): string {
  return `${authority} ${id}`
}
