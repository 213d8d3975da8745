/** What is counted by the hour, over the last 24 that had anything. */
export interface Hours {
  /** Number of the newest hour since the epoch. */
  newest: number
  /** By hour number modulo 24; those that are too old count as 0. */
  readonly counts: number[]
}

export interface CertificateLife {
  readonly serial: string
  /** Microseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

export interface WriterSurvey {
  /** When its newest entry was received; microseconds since the epoch. */
  lastSeen: number | undefined
  entries: number
  readonly hours: Hours
  /** Entries that say that events of it are missing. */
  gaps: number
  /** Events that are known not to be there: of gaps, and refused ones. */
  losses: number
  silent: boolean
  /** That are open. */
  streams: number
  certificate: CertificateLife | undefined
  /** Hosts that its streams were opened from, newest last. */
  readonly addresses: string[]
}

export interface RefusalCount {
  count: number
  /** Microseconds since the epoch. */
  last: number
}

/** Everything that was found in the entries `[0, position)`. */
export interface Survey {
  position: number
  /** Streams that may go on, by the index of their opening entry. */
  readonly streams: Map<number, SurveyStream>
  readonly writers: Map<string, WriterSurvey>
  /** When readers and operators did something that is an entry; microseconds since the epoch. */
  readonly others: Map<string, number>
  /** By code. */
  readonly refusals: Map<string, RefusalCount>
  doctor: { readonly at: number; readonly result: string; readonly checks: string[] } | undefined
  /** Of leaves. */
  readonly bytes: Hours
  bytesInAll: number
  /** Received time of the newest entry; microseconds since the epoch. */
  newest: number
}

export interface SurveyStream {
  readonly id: string
  readonly writer: string
  /** Its entries are parsed: the port's own, or another process's of the installation. */
  readonly own: "port" | "process" | undefined
}

export const hourUs = 3_600_000_000
const hoursKept = 24
/** Identities are at most as many as an access list names, over the log's life some more. */
export const namesMax = 20_000
export const addressesMax = 16

export function startSurvey(): Survey {
  return {
    position: 0,
    streams: new Map(),
    writers: new Map(),
    others: new Map(),
    refusals: new Map(),
    doctor: undefined,
    bytes: startHours(),
    bytesInAll: 0,
    newest: 0,
  }
}

export function startHours(): Hours {
  return { newest: 0, counts: new Array<number>(hoursKept).fill(0) }
}

/** @param time microseconds since the epoch; one of an hour long past is not counted */
export function countHour(hours: Hours, time: number, count: number): void {
  const hour = Math.floor(time / hourUs)
  if (hour > hours.newest) {
    const from = Math.max(hours.newest + 1, hour - hoursKept + 1)
    for (let at = from; at <= hour; at++) hours.counts[at % hoursKept] = 0
    hours.newest = hour
  }
  if (hour <= hours.newest - hoursKept) return
  const at = hour % hoursKept
  hours.counts[at] = (hours.counts[at] as number) + count
}

/** The counts of the 24 hours that end with the one of `time` (microseconds since the epoch), oldest first. */
export function hoursUntil({ newest, counts }: Hours, time: number): number[] {
  const last = Math.floor(time / hourUs)
  return Array.from({ length: hoursKept }, (_, i) => {
    const hour = last - hoursKept + 1 + i
    return hour <= newest && hour > newest - hoursKept ? (counts[hour % hoursKept] as number) : 0
  })
}

/** Undefined for one more name than are kept. */
export function writerOf(survey: Survey, id: string): WriterSurvey | undefined {
  const known = survey.writers.get(id)
  if (known !== undefined || survey.writers.size >= namesMax) return known
  const made: WriterSurvey = {
    ...{ lastSeen: undefined, entries: 0, hours: startHours(), gaps: 0, losses: 0 },
    ...{ silent: false, streams: 0, certificate: undefined, addresses: [] },
  }
  survey.writers.set(id, made)
  return made
}
