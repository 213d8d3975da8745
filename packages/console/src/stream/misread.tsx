import { State } from "../look/index.ts"
import { faultOf, mend } from "./query-language.ts"

const examples: readonly (readonly [string, string])[] = [
  ["outcome:denied actor:alice", "both hold"],
  ["action:invoice.* AND NOT source:app://billing", "begins with; not from there"],
  ["outcome:(failure OR denied)", "either of them"],
  ['"export done"', "these words one after the other, anywhere"],
  ["origin.ip:10.0.0.0/8", "addresses of a network"],
  ["data.amount:>1000", "any member, by its path"],
]

/** In the place of an answer to a question that cannot be read: why, what may be meant, and how one is written. */
export function Misread({
  q,
  onAsk,
}: {
  readonly q: string
  readonly onAsk: (query: string) => void
}) {
  const fault = faultOf(q)
  if (fault === undefined) return null
  return (
    <State title="This question cannot be read" tone="fair">
      <p>{fault.said}</p>
      {fault.suggestion !== undefined && (
        <button type="button" className="button strong" onClick={() => onAsk(mend(q, fault))}>
          Ask <code>{mend(q, fault)}</code>
        </button>
      )}
      <p className="quiet">Questions look like this:</p>
      <ul className="examples">
        {examples.map(([text, meaning]) => (
          <li key={text}>
            <button type="button" className="button tiny mono" onClick={() => onAsk(text)}>
              {text}
            </button>
            <span className="quiet small">{meaning}</span>
          </li>
        ))}
      </ul>
    </State>
  )
}
