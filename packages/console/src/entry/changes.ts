/** One member that changed, as text on both sides; undefined on the side where there is none. */
export interface Change {
  readonly name: string
  readonly before: string | undefined
  readonly after: string | undefined
}

const names = ["path", "field", "name", "key", "attribute", "property"]
const befores = ["before", "from", "old", "oldValue", "previous"]
const afters = ["after", "to", "new", "newValue", "current"]

/** An event's `changes`, whatever its writer calls the two sides; items that have neither are left whole, as what is new. */
export function readChanges(changes: unknown): Change[] {
  if (!Array.isArray(changes)) return []
  return changes.flatMap((item, i): Change[] => {
    if (!isRecord(item)) return [{ name: `${i + 1}`, before: undefined, after: textOf(item) }]
    const name = textOf(first(item, names)) ?? `${i + 1}`
    const [before, after] = [first(item, befores), first(item, afters)]
    if (isRecord(before) && isRecord(after)) return compare(name, before, after)
    if (before === undefined && after === undefined) {
      return [{ name, before: undefined, after: textOf(item) }]
    }
    return [{ name, before: textOf(before), after: textOf(after) }]
  })
}

/** Members of two objects that differ; what is the same on both sides is no change. */
function compare(
  name: string,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key) => {
    const sides = [before[key], after[key]].map(textOf)
    if (sides[0] === sides[1]) return []
    return [{ name: `${name}.${key}`, before: sides[0], after: sides[1] }]
  })
}

function first(item: Readonly<Record<string, unknown>>, keys: readonly string[]): unknown {
  const key = keys.find((candidate) => Object.hasOwn(item, candidate))
  return key === undefined ? undefined : item[key]
}

function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return typeof value === "string" ? value : JSON.stringify(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
