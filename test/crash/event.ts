import { hashText } from "./decisions.ts"

/**
 * The events of the programme follow from their stream's name and their sequence alone: whoever reads the log can make
 * them again and compare every byte.
 */
export type Size = "small" | "large" | "mixed"

/** `name` is `<size>-<anything>`. */
export function eventText(name: string, sequence: number): string {
  const pad = padding.slice(0, padLength(name, sequence))
  return (
    `{"id":"${name}/${sequence}","time":"2026-11-22T12:00:00Z","source":"app://app",` +
    `"action":"crash.tested","outcome":"success","actor":{"type":"user","id":"alice"},` +
    `"targets":[{"type":"round","id":"${sequence}"}],"data":{"pad":"${pad}"}}`
  )
}

export function eventBytes(name: string, sequence: number): Buffer {
  return Buffer.from(eventText(name, sequence), "latin1")
}

/** Stream name and sequence of an event of ours; undefined for anybody else's. */
export function placeOf(event: Buffer): { name: string; sequence: number } | undefined {
  const match = /^\{"id":"((?:small|large|mixed)-[a-z0-9.]+)\/(\d+)"/.exec(
    event.toString("latin1", 0, 80),
  )
  if (match === null) return undefined
  return { name: match[1] ?? "", sequence: Number(match[2]) }
}

const padding = "What may be lost is not kept. ".repeat(2200)

function padLength(name: string, sequence: number): number {
  const chance = hashText(`${name} ${sequence}`)
  const large = name.startsWith("large") || (name.startsWith("mixed") && chance % 50 === 0)
  if (!large) return (chance >>> 8) % 500
  return chance % 4 === 0 ? 60_000 + ((chance >>> 8) % 5_000) : (chance >>> 8) % 30_000
}
