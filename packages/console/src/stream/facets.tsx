import type { UseQueryResult } from "@tanstack/react-query"
import { useState } from "react"
import { type FacetField, type FacetsAnswer, type FacetValue, facetFields } from "../api/index.ts"
import { Answered, formatCount, Icon, lineOf, Outcome, shortIdentity } from "../look/index.ts"
import { Coverage } from "./coverage-line.tsx"
import { termState, toggleTerm } from "./query-language.ts"

const shownAtFirst = 6

interface FacetsProps {
  readonly query: UseQueryResult<FacetsAnswer>
  readonly q: string
  readonly onAsk: (query: string) => void
}

/** What the answer is made of, most frequent first: a click asks for a value, the minus rules it out. */
export function Facets({ query, q, onAsk }: FacetsProps) {
  return (
    <aside
      className="facets answer"
      data-stale={query.isPlaceholderData}
      aria-label="Values in the answer"
    >
      <Answered query={query} lines={14}>
        {(answer) => (
          <>
            <Coverage answer={answer} />
            {facetFields.map((field) => (
              <Facet
                key={field}
                field={field}
                values={answer.facets[field] ?? []}
                q={q}
                onAsk={onAsk}
              />
            ))}
          </>
        )}
      </Answered>
    </aside>
  )
}

interface FacetProps {
  readonly field: FacetField
  readonly values: readonly FacetValue[]
  readonly q: string
  readonly onAsk: (query: string) => void
}

function Facet({ field, values, q, onAsk }: FacetProps) {
  const [isLong, setLong] = useState(false)
  if (values.length === 0) return null
  const most = Math.max(...values.map(({ count }) => count), 1)
  const shown = isLong ? values : values.slice(0, shownAtFirst)
  return (
    <section aria-label={field}>
      <h3>{field}</h3>
      <ul>
        {shown.map(({ value, count }) => {
          const state = termState(q, field, value)
          return (
            <li key={value} className="facet" data-state={state}>
              <span className="facet-bar" style={{ width: `${(100 * count) / most}%` }} />
              <button
                type="button"
                className="facet-value"
                aria-pressed={state === "included"}
                title={`${field}: ${value}\n${formatCount(count)}`}
                onClick={() => onAsk(toggleTerm(q, field, value, "included"))}
              >
                <span className="facet-text">
                  {field === "outcome" ? <Outcome value={value} /> : shortValue(field, value)}
                </span>
                <span className="number small">{formatCount(count)}</span>
              </button>
              <button
                type="button"
                className="facet-out"
                aria-pressed={state === "excluded"}
                aria-label={`Leave out ${field} ${value}`}
                title={`Leave out ${value}`}
                onClick={() => onAsk(toggleTerm(q, field, value, "excluded"))}
              >
                <Icon name="minus" />
              </button>
            </li>
          )
        })}
      </ul>
      {values.length > shownAtFirst && (
        <button type="button" className="button bare tiny" onClick={() => setLong(!isLong)}>
          {isLong ? "Fewer" : `${values.length - shownAtFirst} more`}
        </button>
      )}
    </section>
  )
}

/** The end of a long name tells it apart; the whole stands on hover. */
function shortValue(field: FacetField, value: string): string {
  return field === "writer" ? shortIdentity(value) : lineOf(value)
}
