import type { LogEntry } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { entryCells, entryHead } from "./entry-line.ts"

/** A column of a table of entries. */
export interface Column {
  readonly name: string
  cell(entry: LogEntry): string
}

/** What an entry has beside its event. */
const ofEntry = ["index", "received", "writer", "stream", "sequence"] as const

const columnsMax = 24

/**
 * Columns by name: those of the usual table, and members of the event by path (`data.ticket`, `origin.ip`).
 * @throws PosternError USAGE
 */
export function columnsOf(names: readonly string[]): readonly Column[] {
  if (names.length > columnsMax) throw new PosternError("USAGE", `at most ${columnsMax} fields`)
  return names.map(columnOf)
}

export const usualColumns: readonly Column[] = columnsOf(entryHead)

function columnOf(name: string): Column {
  const usual = (entryHead as readonly string[]).indexOf(name)
  if (usual >= 0) return { name, cell: (entry) => entryCells(entry)[usual] ?? "" }
  const own = ofEntry.find((member) => member === name)
  if (own !== undefined) return { name, cell: (entry) => String(entry[own]) }
  if (!/^[\w-]+(\.[\w-]+)*$/.test(name)) {
    throw new PosternError("USAGE", `"${name}" is no field; write a path such as data.ticket`)
  }
  const path = name.split(".")
  return { name, cell: ({ event }) => valuesAt(event, path).map(textOf).join(" ") }
}

/** Lists are transparent, as they are in a query. */
function valuesAt(value: unknown, path: readonly string[]): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, path))
  const [name, ...rest] = path
  if (name === undefined) return [value]
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return []
  return valuesAt((value as Readonly<Record<string, unknown>>)[name], rest)
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value)
}
