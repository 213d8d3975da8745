import type { Entry } from "@postern/log/event"
import { matches, type Query } from "@postern/log/query"
import type {
  CountQuestion,
  FacetField,
  IndexHit,
  IndexState,
  SearchIndex,
  ValueCount,
} from "../index/index.ts"
import { readEntry, writerOf } from "./entry.ts"
import type { FakeLog } from "./fake-log.test.support.ts"

/** An index over the first entries of a log in memory that looks at each of them: what any real one must answer too. */
export function naiveIndex(log: FakeLog, indexed: number): SearchIndex {
  const building = { done: indexed, of: indexed }

  function rows(query: Query, from: number, to: number) {
    return log.all.slice(from, Math.min(to, indexed)).flatMap((leaf, i) => {
      const row = readEntry(from + i, leaf)
      const { open } = row.entry.stamp
      const writer = writerOf(readEntry(open, log.all[open] as Uint8Array))
      return matches(query, row.entry, { index: row.index, writer }) ? [{ ...row, writer }] : []
    })
  }

  function counted({ query, from, to, since = 0, until = Infinity }: CountQuestion) {
    return rows(query, from, to).filter(
      ({ entry: { stamp } }) => stamp.received >= since && stamp.received < until,
    )
  }

  const covered = ({ from, to }: CountQuestion) => ({
    examined: { from, to: Math.max(from, Math.min(to, indexed)) },
    byColumns: true,
  })

  return {
    state: (): IndexState => ({
      ...{ indexed, parts: 0, pieces: 0, bytes: 0, memoryBytes: 0, building },
    }),
    async search({ query, from, to, order, rows: max, bytes }) {
      const found = rows(query, from, to)
      const ordered = order === "asc" ? found : found.toReversed()
      const hits: IndexHit[] = []
      let used = 0
      for (const { index, leaf } of ordered.slice(0, max)) {
        used += leaf.length
        if (hits.length > 0 && used > bytes) break
        hits.push({ index, leaf })
      }
      const last = hits.at(-1)?.index
      if (hits.length === ordered.length || last === undefined) {
        return { hits, rest: { from: to, to } }
      }
      return { hits, rest: order === "asc" ? { from: last + 1, to } : { from, to: last } }
    },
    async histogram(question) {
      const buckets = new Map<number, Record<string, number>>()
      for (const { entry } of counted(question)) {
        const at = Math.floor(entry.stamp.received / question.interval) * question.interval
        const outcomes = buckets.get(at) ?? {}
        const outcome = String(entry.event.outcome)
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        buckets.set(at, outcomes)
      }
      return {
        ...covered(question),
        buckets: [...buckets].map(([from, outcomes]) => {
          const count = Object.values(outcomes).reduce((sum, each) => sum + each, 0)
          return { from, count, outcomes }
        }),
      }
    },
    async facets(question) {
      const found = counted(question)
      const fields: Partial<Record<FacetField, ValueCount[]>> = {}
      for (const field of question.fields) {
        const values = found.map(({ entry, writer }) => nameIn(field, entry, writer))
        fields[field] = tally(values).slice(0, question.top)
      }
      return { ...covered(question), count: found.length, fields }
    },
    async values(field, begun, top) {
      const values = rows({ kind: "all" }, 0, indexed).map(({ entry, writer }) =>
        nameIn(field, entry, writer),
      )
      return tally(values)
        .filter(({ value }) => value.startsWith(begun))
        .slice(0, top)
    },
    rebuild: async () => undefined,
    close: async () => undefined,
  }
}

function nameIn(field: FacetField, { event }: Entry, writer: string) {
  if (field === "writer") return writer
  if (field === "actor") return nameOf(event.actor)
  if (field === "target") return nameOf((event.targets as unknown[] | undefined)?.[0])
  return String(event[field])
}

function nameOf(party: unknown): string {
  const { type, id } = (party ?? {}) as { readonly type?: string; readonly id?: string }
  return `${type}/${id}`
}

function tally(values: readonly string[]): ValueCount[] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count)
}
