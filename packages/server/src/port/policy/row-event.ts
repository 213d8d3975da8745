import { decodeUtf8 } from "@postern/log/base"
import type { Seen, TypedId } from "../../policy/rules/index.ts"
import type { PortMemory } from "../sequencer/index.ts"

interface Span {
  readonly at: number
  readonly end: number
}

/** The event of a row that the scanner took, by its top-level members: read only if somebody asks. Holds until the core's memory is used again. */
export class RowEvent implements Seen {
  readonly size: number
  readonly #memory: PortMemory
  readonly #at: number
  #members: ReadonlyMap<string, Span> | undefined

  /** @param at where the event stands in the core's memory @param size its bytes */
  constructor(memory: PortMemory, at: number, size: number) {
    this.#memory = memory
    this.#at = at
    this.size = size
  }

  text(member: "category" | "op" | "severity" | "tenant"): string | undefined {
    const value = this.#value(member)
    return typeof value === "string" ? value : undefined
  }

  actor(): TypedId | undefined {
    return typedId(this.#value("actor"))
  }

  targets(): readonly TypedId[] {
    const value = this.#value("targets")
    if (!Array.isArray(value)) return []
    return value.map(typedId).filter((one) => one !== undefined)
  }

  /** All bytes but the values of these members. */
  without(names: readonly string[]): Uint8Array {
    const { memory } = this.#memory.core
    const cut = names.map((name) => this.#all().get(name)).filter((span) => span !== undefined)
    const kept = new Uint8Array(this.size)
    let from = this.#at
    let to = 0
    for (const { at, end } of cut.toSorted((a, b) => a.at - b.at)) {
      kept.set(memory.subarray(from, at), to)
      to += at - from
      from = end
    }
    const rest = memory.subarray(from, this.#at + this.size)
    kept.set(rest, to)
    return kept.subarray(0, to + rest.length)
  }

  #value(name: string): unknown {
    const span = this.#all().get(name)
    if (span === undefined) return undefined
    const text = decodeUtf8(this.#memory.core.memory.subarray(span.at, span.end))
    return text === undefined ? undefined : JSON.parse(text)
  }

  #all(): ReadonlyMap<string, Span> {
    this.#members ??= this.#read()
    return this.#members
  }

  #read(): ReadonlyMap<string, Span> {
    const { core, spans, spansMax } = this.#memory
    const { memory } = core
    const count = core.members(this.#at, this.#at + this.size, spans, spansMax)
    const words = new Uint32Array(memory.buffer, memory.byteOffset + spans, 4 * Math.max(count, 0))
    const members = new Map<string, Span>()
    for (let i = 0; i < words.length; i += 4) {
      const [key = 0, keyBytes = 0, at = 0, bytes = 0] = words.subarray(i, i + 4)
      const name = decodeUtf8(memory.subarray(key, key + keyBytes)) ?? ""
      members.set(name, { at, end: at + bytes })
    }
    return members
  }
}

function typedId(value: unknown): TypedId | undefined {
  if (typeof value !== "object" || value === null) return undefined
  const { type, id } = value as Record<string, unknown>
  return typeof type === "string" && typeof id === "string" ? { type, id } : undefined
}
