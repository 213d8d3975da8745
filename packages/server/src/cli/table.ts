import { printable } from "./printable.ts"

const columnGap = "  "

export interface TableOptions {
  /** Puts the head in bold. */
  readonly color?: boolean
}

/**
 * Aligned columns under a head in capitals, without lines; cells are made printable. No line feed
 * at the end.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const cells = [head.map((text) => text.toUpperCase()), ...rows].map((row) => row.map(printable))
  const widths = head.map((_, at) => Math.max(...cells.map((row) => length(row[at] ?? ""))))
  const lines = cells.map((row) =>
    row
      .map((text, at) => text + " ".repeat((widths[at] ?? 0) - length(text)))
      .join(columnGap)
      .trimEnd(),
  )
  const [first = "", ...rest] = lines
  return [options.color ? `\u001b[1m${first}\u001b[0m` : first, ...rest].join("\n")
}

function length(text: string): number {
  return [...text].length
}
