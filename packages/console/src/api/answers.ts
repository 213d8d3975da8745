/**
 * What the read API answers (docs/reference/read-api.md), as far as the console reads it. Members that are not named here
 * are ignored. Everything but `leaf` is the server's word; proof/ works the rest out.
 */
export interface EntryAnswer {
  readonly index: number
  /** RFC 3339 with microseconds. */
  readonly received: string
  readonly writer: string
  readonly stream: number
  readonly sequence: number
  readonly changed?: 1 | 2 | 3 | 4 | 5 | 6 | 7
  readonly leaf: string
  readonly event: Readonly<Record<string, unknown>>
}

export interface InclusionAnswer {
  readonly index: number
  readonly size: number
  readonly path: readonly string[]
}

/** One path for several entries, in the tree of `size` entries. */
export interface ProofAnswer {
  readonly checkpoint?: string
  readonly proof?: { readonly size: number; readonly path: readonly string[] }
}

export interface EntryPage extends ProofAnswer {
  readonly size: number
  readonly entries: readonly EntryAnswer[]
  /** Of their streams, those that are not among them. */
  readonly openings?: readonly EntryAnswer[]
}

export interface EntryList extends EntryPage {
  readonly from: number
  readonly to: number
  readonly next?: number
}

export interface SearchAnswer extends EntryPage {
  readonly order: "desc" | "asc"
  readonly scanned: { readonly from: number; readonly to: number }
  readonly complete: boolean
  readonly cursor?: string
  readonly engine?: "index" | "scan"
}

export interface ShownEntry {
  readonly size: number
  readonly entry: EntryAnswer
  readonly opening?: EntryAnswer
  readonly inclusion?: InclusionAnswer
  readonly openingInclusion?: InclusionAnswer
  readonly checkpoint?: string
}

export const outcomes = ["success", "failure", "denied", "error", "unknown"] as const
export type OutcomeName = (typeof outcomes)[number]

/** How far a count goes: all of it, or a part that time or the index allowed. */
export interface Counted {
  readonly total: number
  readonly examined: { readonly from: number; readonly to: number }
  readonly complete: boolean
  /** Entries of the log that the index holds; those beyond are not counted. */
  readonly indexed?: number
  readonly size?: number
}

export interface HistogramAnswer extends Counted {
  /** Microseconds: of what is shown, and of a bucket. */
  readonly since: number
  readonly until: number
  readonly interval: number
  /** Ascending; empty ones are left out. */
  readonly buckets: readonly {
    /** Received, microseconds, where the bucket begins. */
    readonly at: number
    readonly counts: Readonly<Partial<Record<OutcomeName, number>>>
  }[]
}

export interface FacetValue {
  readonly value: string
  readonly count: number
}

export interface FacetsAnswer extends Counted {
  readonly facets: Readonly<Record<string, readonly FacetValue[]>>
}

export interface Completion {
  readonly text: string
  readonly count?: number
  readonly about?: string
}

export interface CompleteAnswer {
  readonly from: number
  readonly to: number
  readonly kind: "field" | "value" | "operator"
  readonly items: readonly Completion[]
}

export interface StatusAnswer {
  readonly origin: string
  readonly size: number
  readonly time: string
  readonly checkpoint?: { readonly size: number }
  readonly lag: number
  readonly reader: string
  readonly see: "monitor" | "investigator" | "auditor"
  readonly access: string
  readonly mirrors?: readonly {
    readonly reader: string
    readonly size: number
    readonly confirmed: string
    readonly connected: boolean
  }[]
}

export interface WriterAnswer {
  readonly id: string
  /** Microseconds, as all times below. */
  readonly lastSeen: number | null
  readonly entries: number
  readonly perHour: readonly number[]
  readonly gaps: number
  readonly losses: number
  readonly silent: boolean
  readonly streams: number
  readonly certificate: {
    readonly serial: string
    readonly notAfter: number
    /** 0 to 1. */
    readonly lifeUsed: number
  } | null
  readonly grant: Readonly<Record<string, unknown>> | null
  readonly owner?: string | null
  readonly expires?: number | null
  readonly addresses?: readonly string[]
}

export interface WritersAnswer {
  readonly writers: readonly WriterAnswer[]
  /** False while the reader still reads the log, after its start. */
  readonly complete?: boolean
}

export interface DoctorCheck {
  readonly id: string
  readonly severity: string
  readonly status: "ok" | "warn" | "fail" | "unknown"
  readonly evidence: string
  readonly fix?: string
}

export interface WitnessAnswer {
  readonly name: string
  readonly size: number | null
  readonly at: number | null
  /** Seconds. */
  readonly age?: number | null
}

export interface DiskAnswer {
  /** What the log takes, and what its file system has left. */
  readonly usedBytes: number
  readonly freeBytes: number
  readonly fullAt: number | null
}

export interface PortAnswer {
  readonly complete?: boolean
  readonly doctor: { readonly at: number | null; readonly checks: readonly DoctorCheck[] }
  readonly ready: { readonly ok: boolean; readonly lines: readonly string[] } | null
  readonly sessions: number | null
  readonly refusals: readonly {
    readonly code: string
    readonly count: number
    readonly last: number | null
  }[]
  readonly ackMs: { readonly p50: number; readonly p99: number } | null
  readonly disk: DiskAnswer | null
  readonly witnesses: readonly WitnessAnswer[]
}

export interface AccessAnswer {
  readonly complete?: boolean
  readonly digest: string
  readonly identities: readonly {
    readonly id: string
    readonly role: string
    readonly grant: unknown
    readonly owner?: string | null
    readonly reason?: string | null
    readonly expires?: number | null
    readonly lastSeen?: number | null
    readonly flags: readonly string[]
  }[]
  readonly revoked: readonly {
    readonly serial?: string
    readonly key?: string
    readonly reason?: string
  }[]
  readonly review: {
    readonly due: string | null
    readonly state: string
    readonly answered: number
    readonly of: number
  } | null
}

export interface RuleFigures {
  readonly events: number
  /** What was done, in how many of them. */
  readonly did: Readonly<Record<string, number>>
  readonly bytesSaved: number
}

export interface PolicyRule {
  readonly name: string
  /** Lists, and of `size` an object. */
  readonly match: Readonly<Record<string, unknown>>
  readonly level: string
  readonly sample: number | null
  /** Seconds. */
  readonly deduplicate: number | null
  readonly transforms: readonly { readonly at: string; readonly do: string }[]
  readonly figures: RuleFigures | null
}

export interface PolicyAnswer {
  readonly policy: {
    readonly digest: string
    readonly rules: readonly PolicyRule[]
    readonly unmatched: string
    readonly detect: {
      readonly groups: Readonly<Record<string, string>>
      readonly packs: readonly string[]
      readonly patterns: readonly { readonly name: string; readonly do: string }[]
    } | null
  } | null
  readonly refused: string | null
  readonly besides: readonly (RuleFigures & { readonly rule: string })[]
  readonly detected:
    | readonly { readonly writer: string; readonly detector: string; readonly events: number }[]
    | null
}

export interface LogAnswer {
  readonly origin: string
  readonly size: number
  readonly checkpoint: string | null
  readonly vkey: string | null
  readonly keys: readonly {
    readonly vkey: string
    readonly from: number
    readonly to: number | null
  }[]
  readonly witnesses?: readonly WitnessAnswer[]
  readonly segments?: readonly {
    readonly first: number
    readonly entries: number
    readonly bytes: number
  }[]
  readonly disk?: DiskAnswer | null
}

export interface AlertAnswer {
  readonly name: string
  readonly severity: string
  readonly query: string
  readonly threshold: number
  /** Seconds. */
  readonly window: number
  readonly state: "clear" | "raised"
  readonly since: number | null
  /** Matches since it was raised. */
  readonly count: number
  /** How its last notification fared. */
  readonly delivered: {
    readonly at: number
    readonly webhook: string
    readonly outcome: "taken" | "failed"
    readonly detail: string
  } | null
}

export interface AlertTestAnswer {
  readonly results: readonly {
    readonly webhook: string
    /** HTTP; null if there was no answer. */
    readonly status: number | null
    readonly answer: string
  }[]
}

export interface AlertsAnswer {
  readonly questions: readonly {
    readonly name: string
    readonly query: string
    readonly description?: string
  }[]
  readonly alerts: readonly AlertAnswer[]
}
