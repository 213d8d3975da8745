import type {
  BuildProgress,
  FacetField,
  FacetsQuestion,
  HistogramQuestion,
  IndexQuestion,
  IndexState,
} from "./search-index.ts"

/** What a thread of this room is started with. */
export interface ThreadPlace {
  readonly log: string
  readonly index: string
  /** The directory of the keys that open encrypted segments; absent: none of them is opened. */
  readonly keys?: string
}

/** From the thread that builds to the one that answers. */
export type BuildNews =
  | { readonly kind: "parts"; readonly firsts: readonly number[]; readonly seed: Uint8Array }
  | { readonly kind: "piece"; readonly bytes: Uint8Array }
  | { readonly kind: "part" | "group"; readonly first: number }
  | { readonly kind: "reset"; readonly seed: Uint8Array }
  | { readonly kind: "pruned"; readonly minimum: number }

/** From the thread that answers to the one that builds. */
export type AnswerNews = {
  readonly kind: "damaged"
  readonly first: number
  readonly reason: string
}

/** To the thread that builds, from the owner of both. */
export type BuildOrder = { readonly kind: "rebuild" } | { readonly kind: "stop" }

/** To the owner. */
export type BuildReport =
  | { readonly kind: "progress"; readonly progress: BuildProgress }
  | { readonly kind: "reset" }
  | { readonly kind: "damaged"; readonly first: number; readonly reason: string }

export type Question =
  | { readonly kind: "search"; readonly question: IndexQuestion }
  | { readonly kind: "histogram"; readonly question: HistogramQuestion }
  | { readonly kind: "facets"; readonly question: FacetsQuestion }
  | {
      readonly kind: "values"
      readonly field: FacetField
      readonly begun: string
      readonly top: number
    }

export interface Asked {
  readonly number: number
  readonly asked: Question
}

export type AnswerReport =
  | { readonly kind: "state"; readonly state: Omit<IndexState, "building"> }
  | { readonly kind: "answer"; readonly number: number; readonly answer: unknown }
  | {
      readonly kind: "failure"
      readonly number: number
      readonly code: string | undefined
      readonly message: string
    }
