import { createHash, randomBytes } from "node:crypto"

const onceMs = 2 * 60_000
const sessionIdleMs = 12 * 60 * 60_000
const sessionsMax = 16
const triesMax = 10
const triesMs = 60_000

export type Exchange =
  | { readonly kind: "session"; readonly cookie: string }
  | { readonly kind: "wrong" }
  /** Too many were wrong lately. */
  | { readonly kind: "later" }

/** Links that work once, and the sessions that browsers got for them. In memory: they end with the door. */
export interface Passes {
  /** A new token; one that was given before and not used is void from now on. */
  issue(): string
  exchange(token: string): Exchange
  /** Whether one of these cookies is a session of ours; it lasts for 12 hours from now. */
  admits(cookies: string | undefined): boolean
}

/**
 * Cookies are not kept apart by port, so the port stands in the name: doors beside each other do not take each other's. Only
 * digests are kept: neither a lookup's time nor a dump of this memory tells a secret.
 * @param elapsedMs a clock that never goes back
 */
export function openPasses(port: number, elapsedMs: () => number): Passes {
  const name = `postern-door-${port}`
  const sessions = new Map<string, number>()
  let once: { readonly digest: string; readonly until: number } | undefined
  let tries = { count: 0, until: 0 }

  function issue(): string {
    const token = randomBytes(16).toString("base64url")
    once = { digest: digestOf(token), until: elapsedMs() + onceMs }
    return token
  }

  function exchange(token: string): Exchange {
    const now = elapsedMs()
    if (now >= tries.until) tries = { count: 0, until: now + triesMs }
    if (tries.count >= triesMax) return { kind: "later" }
    if (once === undefined || now >= once.until || digestOf(token) !== once.digest) {
      tries.count++
      return { kind: "wrong" }
    }
    once = undefined
    const value = randomBytes(32).toString("base64url")
    sessions.set(digestOf(value), now + sessionIdleMs)
    for (const oldest of sessions.keys()) {
      if (sessions.size <= sessionsMax) break
      sessions.delete(oldest)
    }
    return { kind: "session", cookie: `${name}=${value}; Path=/; HttpOnly; SameSite=Strict` }
  }

  function admits(cookies: string | undefined): boolean {
    const now = elapsedMs()
    for (const pair of (cookies ?? "").split(";")) {
      const at = pair.indexOf("=")
      if (pair.slice(0, at).trim() !== name) continue
      const digest = digestOf(pair.slice(at + 1).trim())
      const until = sessions.get(digest)
      if (until === undefined || now >= until) continue
      sessions.delete(digest) // It goes to the end of the queue: the one that was idle longest makes room.
      sessions.set(digest, now + sessionIdleMs)
      return true
    }
    return false
  }

  return { issue, exchange, admits }
}

function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64")
}
