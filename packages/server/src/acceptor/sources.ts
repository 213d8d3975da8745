/** What one source may have under way at once, and begin in a second. */
export interface SourceLimits {
  readonly underWayMax: number
  readonly perSecondMax: number
}

/**
 * Handshakes by where they come from: before one is done, nothing else is known of a peer. Holds what is under way and
 * one second's beginnings, no more.
 */
export class Sources {
  readonly #limits: SourceLimits
  readonly #now: () => number
  readonly #underWay = new Map<string, number>()
  readonly #begun = new Map<string, number>()
  #second = 0

  /** @param now milliseconds of a clock that never goes back */
  constructor(limits: SourceLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** Counts one more from this source, unless it has too many: then it says of what. */
  begin(source: string): "under way from one address" | "a second from one address" | undefined {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) this.#begun.clear()
    this.#second = second
    const underWay = this.#underWay.get(source) ?? 0
    if (underWay >= this.#limits.underWayMax) return "under way from one address"
    const begun = this.#begun.get(source) ?? 0
    if (begun >= this.#limits.perSecondMax) return "a second from one address"
    this.#underWay.set(source, underWay + 1)
    this.#begun.set(source, begun + 1)
    return undefined
  }

  end(source: string): void {
    const left = (this.#underWay.get(source) ?? 0) - 1
    if (left > 0) this.#underWay.set(source, left)
    else this.#underWay.delete(source)
  }
}

/**
 * Whose address it is taken to be: an IPv6 host has 2^64 of them to choose from (RFC 4291 §2.5.4), so its network stands
 * for it. Anything else stands for itself.
 */
export function sourceOf(address: string): string {
  if (!address.includes(":") || address.startsWith("/")) return address
  const [front = "", back] = (address.split("%")[0] ?? "").split("::")
  const groups = front === "" ? [] : front.split(":")
  const after = back === undefined || back === "" ? [] : back.split(":")
  if (back !== undefined) {
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - after.length)).fill("0"), ...after)
  }
  return groups.slice(0, 4).join(":")
}
