/**
 * The search index of the read process (docs/spec/index.md): immutable parts, one or more for each log segment, and pieces in
 * memory for what follows them. May omit and be thrown away at any time; never invents: what it finds is read from the log and
 * held against the query before anybody sees it. Never writes to the log directory, knows no reader and no grant.
 */
export { type IndexPlace, openSearchIndex } from "./index-threads.ts"
export { type IndexStatus, indexStatus, rebuildIndex } from "./offline.ts"
export {
  type BuildProgress,
  type Counted,
  type CountQuestion,
  type FacetField,
  type Facets,
  type FacetsQuestion,
  facetFields,
  type Histogram,
  type HistogramBucket,
  type HistogramQuestion,
  type IndexAnswer,
  type IndexHit,
  type IndexQuestion,
  type IndexRange,
  type IndexState,
  type SearchIndex,
  type ValueCount,
} from "./search-index.ts"
