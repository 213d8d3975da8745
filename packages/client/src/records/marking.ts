export interface MarkingOptions {
  /** The member that marks a record: `true`, or an object with the members of the event. Default `audit`. */
  readonly key?: string | undefined
  /** Besides, every record of exactly this level is one for the audit trail. */
  readonly level?: string | number | undefined
}

export interface Marking {
  readonly key: string
  readonly level: string | number | undefined
}

type Members = Readonly<Record<string, unknown>>

export function markingOf({ key = "audit", level }: MarkingOptions): Marking {
  return { key, level }
}

/** @param level of the record, as the logger writes it */
export function isMarked(
  record: Members,
  { key, level: marking }: Marking,
  level: unknown,
): boolean {
  const mark = Object.hasOwn(record, key) ? record[key] : undefined
  if (mark === true || (typeof mark === "object" && mark !== null && !Array.isArray(mark)))
    return true
  return marking !== undefined && level === marking
}
