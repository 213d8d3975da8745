import type { Query } from "@postern/log/query"

/**
 * Answers questions about the log from its index. What it says is confirmed: a hit was read from the log and held against the
 * query before it is given; counts say which entries they cover.
 */
export interface SearchIndex {
  /** Entries `[0, indexed)` can be answered from it; what lies beyond is the caller's to scan. */
  state(): IndexState
  /** Hits in order, each read from the log and held against the query. Stops at rows, bytes or ms. */
  search(question: IndexQuestion): Promise<IndexAnswer>
  /** Counts by received time. */
  histogram(question: HistogramQuestion): Promise<Histogram>
  /** Counts by value. */
  facets(question: FacetsQuestion): Promise<Facets>
  /** Frequent values of a field that begin so, from the newest entries on, as many as some time allows. */
  values(field: FacetField, begun: string, top: number): Promise<readonly ValueCount[]>
  /** Throws the index away and builds it anew from the log. Resolves when it has reached the log's head of the beginning. */
  rebuild(onProgress: (progress: BuildProgress) => void): Promise<void>
  close(): Promise<void>
}

export interface IndexState {
  readonly indexed: number
  /** Immutable files, and pieces of what follows them that are in memory. */
  readonly parts: number
  readonly pieces: number
  /** Bytes of the files, and of the pieces. */
  readonly bytes: number
  readonly memoryBytes: number
  /** While files are built: how far they have come, and how far the log went when that was last looked at. */
  readonly building: BuildProgress
}

export interface BuildProgress {
  readonly done: number
  readonly of: number
}

/** Entries `[from, to)` of the log; what is not indexed of them is left in `rest`. */
export interface IndexQuestion {
  readonly query: Query
  readonly from: number
  readonly to: number
  readonly order: "asc" | "desc"
  readonly rows: number
  /** Leaf bytes of the hits; the first is always given. */
  readonly bytes: number
  readonly ms: number
}

export interface IndexAnswer {
  readonly hits: readonly IndexHit[]
  /** What was not examined; `from === to` if all was. */
  readonly rest: IndexRange
}

export interface IndexHit {
  readonly index: number
  readonly leaf: Uint8Array
}

export interface IndexRange {
  readonly from: number
  readonly to: number
}

export interface CountQuestion {
  readonly query: Query
  readonly from: number
  readonly to: number
  /** Received at or after, and before; microseconds since 1970-01-01 UTC. */
  readonly since?: number
  readonly until?: number
  readonly ms: number
}

export interface HistogramQuestion extends CountQuestion {
  /** Microseconds. Buckets begin at its multiples; at least a second. */
  readonly interval: number
}

export interface Counted {
  /** Entries that the counts cover; less than was asked for when the time was up or there were too many values. The newest come first. */
  readonly examined: IndexRange
  /** Whether columns alone decided; if not, entries were read from the log and held against the query. Either way none was guessed. */
  readonly byColumns: boolean
}

export interface Histogram extends Counted {
  /** Ascending, without empty ones. */
  readonly buckets: readonly HistogramBucket[]
}

export interface HistogramBucket {
  /** Microseconds since 1970-01-01 UTC. */
  readonly from: number
  readonly count: number
  /** By outcome; an event without one counts under "". */
  readonly outcomes: Readonly<Record<string, number>>
}

export const facetFields = ["action", "outcome", "source", "actor", "target", "writer"] as const
export type FacetField = (typeof facetFields)[number]

export interface FacetsQuestion extends CountQuestion {
  readonly fields: readonly FacetField[]
  /** Values for each field, the most frequent first. */
  readonly top: number
}

export interface Facets extends Counted {
  readonly count: number
  readonly fields: Readonly<Partial<Record<FacetField, readonly ValueCount[]>>>
}

/** Actors and targets are said as type/id. Of several targets the first is counted. */
export interface ValueCount {
  readonly value: string
  readonly count: number
}
