/** One member that changed. A side that is absent was not there. */
export interface MemberChange {
  /** JSON Pointer (RFC 6901). */
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

type Members = Readonly<Record<string, unknown>>

/** As deep as members are told apart; what lies deeper is compared, and told, as a whole. */
const levelsMax = 8

/**
 * What differs between two states of a thing, for `changes`. Objects are compared member by member, everything else, arrays too, as the JSON
 * it would be written as. Leave out beforehand what nobody may read in the log, such as password hashes.
 */
export function changesBetween(before: object, after: object): MemberChange[] {
  return differences("", before, after, levelsMax)
}

function differences(
  path: string,
  before: unknown,
  after: unknown,
  levels: number,
): MemberChange[] {
  if (levels > 0 && isPlain(before) && isPlain(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap((key) => {
      const step = `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`
      return differences(step, before[key], after[key], levels - 1)
    })
  }
  if (textOf(before) === textOf(after)) return []
  return [
    {
      path,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    },
  ]
}

/** Objects that say themselves how they are written, such as dates, have no members of interest. */
function isPlain(value: unknown): value is Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false
  return typeof (value as { toJSON?: unknown }).toJSON !== "function"
}

function textOf(value: unknown): unknown {
  try {
    return JSON.stringify(value)
  } catch {
    return value // A BigInt or a cycle: equal only to itself. audit() says what is wrong with it.
  }
}
