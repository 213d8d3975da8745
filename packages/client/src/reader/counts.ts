import type { Asker } from "./ask.ts"

/** Counts are the word of the read port: no proof leads to them, unlike to entries. */
export interface Histogram {
  /** Entries that fulfil the query. */
  readonly total: number
  /** Whether all was counted that was asked for. */
  readonly complete: boolean
  /** Entries of the log that the index holds, and that there are. */
  readonly indexed: number
  readonly size: number
  /** Microseconds since 1970-01-01 UTC, and the width of a bucket. */
  readonly since: number
  readonly until: number
  readonly interval: number
  /** Ascending, without empty ones. */
  readonly buckets: readonly HistogramBucket[]
}

export interface HistogramBucket {
  /** When it begins, microseconds since 1970-01-01 UTC. */
  readonly at: number
  /** By outcome. */
  readonly counts: Readonly<Record<string, number>>
}

/** The most frequent values among entries that fulfil a query; as Histogram, the word of the read port. */
export interface Facets {
  readonly total: number
  readonly complete: boolean
  readonly indexed: number
  readonly size: number
  /** By field, most frequent first. */
  readonly facets: Readonly<Record<string, readonly ValueCount[]>>
}

export interface ValueCount {
  readonly value: string
  readonly count: number
}

/** What the read port says of a writer. */
export interface WriterState {
  readonly id: string
  /** Microseconds since 1970-01-01 UTC; null: nothing was ever heard of it. */
  readonly lastSeen: number | null
  readonly entries: number
  /** Entries in each of the last 24 hours by the clock, oldest first. */
  readonly perHour: readonly number[]
  readonly gaps: number
  readonly losses: number
  readonly silent: boolean
  /** Streams that are open. */
  readonly streams: number
  readonly certificate: { readonly notAfter: number; readonly lifeUsed: number } | null
  readonly owner: string | null
}

export interface HistogramOptions {
  /** Received at this time or later, and before; RFC 3339. */
  readonly since?: string
  readonly until?: string
  /** At most so many; default 120. */
  readonly buckets?: number
}

export interface FacetOptions {
  readonly since?: string
  readonly until?: string
  /** action, outcome, source, actor, target, writer; default: all. */
  readonly fields?: readonly string[]
  /** Values of each field; default 20. */
  readonly top?: number
}

/** @throws PosternError as the read port answers */
export async function askHistogram(
  asker: Pick<Asker, "json">,
  q: string,
  { since, until, buckets }: HistogramOptions,
): Promise<Histogram> {
  return (await asker.json(pathOf("/v1/histogram", { q, since, until, buckets }))) as Histogram
}

/** @throws PosternError as the read port answers */
export async function askFacets(
  asker: Pick<Asker, "json">,
  q: string,
  { since, until, fields, top }: FacetOptions,
): Promise<Facets> {
  const asked = { q, since, until, fields: fields?.join(","), top }
  return (await asker.json(pathOf("/v1/facets", asked))) as Facets
}

/** @throws PosternError as the read port answers */
export async function askWriters(asker: Pick<Asker, "json">): Promise<readonly WriterState[]> {
  const answer = (await asker.json("/v1/writers")) as { readonly writers: readonly WriterState[] }
  return answer.writers
}

function pathOf(
  path: string,
  parameters: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, String(value))
  }
  return `${path}?${query}`
}
