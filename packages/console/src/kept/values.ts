import { kept } from "./kept.ts"

/** What a person chose, and what this browser remembers of the log. */

export type Theme = "system" | "light" | "dark"
export type Zone = "local" | "utc"

export const theme = kept<Theme>("theme", "system", oneOf("system", "light", "dark"))
export const zone = kept<Zone>("zone", "local", oneOf("local", "utc"))
export const facetsShown = kept<boolean>("facets", true, (value) => {
  return typeof value === "boolean" ? value : undefined
})

/** Indexes of the entries that are collected as evidence. */
export const basket = kept<readonly number[]>("basket", [], (value) => {
  return isListOf(value, (item) => Number.isSafeInteger(item) && Number(item) >= 0)
})

export interface SavedQuestion {
  readonly name: string
  /** The part of the address behind `#/stream?`. */
  readonly address: string
}

export const savedQuestions = kept<readonly SavedQuestion[]>("questions", [], (value) => {
  return isListOf(value, (item) => isRecord(item) && isText(item.name) && isText(item.address))
})

/** The log's key that a person said to trust, by origin. */
export const pinnedKeys = kept<Readonly<Record<string, string>>>("keys", {}, (value) => {
  return isRecord(value) && Object.values(value).every(isText)
    ? (value as Record<string, string>)
    : undefined
})

/** The largest checkpoint that this browser has verified, by origin. A later one must go on from it. */
export interface SeenCheckpoint {
  readonly size: number
  /** base64 */
  readonly root: string
  /** When, by this browser's clock, ISO 8601. */
  readonly at: string
}

export const seenCheckpoints = kept<Readonly<Record<string, SeenCheckpoint>>>(
  "seen",
  {},
  (value) => {
    const isSeen = (item: unknown) =>
      isRecord(item) && Number.isSafeInteger(item.size) && isText(item.root) && isText(item.at)
    return isRecord(value) && Object.values(value).every(isSeen)
      ? (value as Record<string, SeenCheckpoint>)
      : undefined
  },
)

function oneOf<T extends string>(...words: readonly T[]): (value: unknown) => T | undefined {
  return (value) => words.find((word) => word === value)
}

function isListOf<T>(value: unknown, is: (item: unknown) => boolean): readonly T[] | undefined {
  return Array.isArray(value) && value.every(is) ? (value as T[]) : undefined
}

function isText(value: unknown): value is string {
  return typeof value === "string"
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
