import { Copyable, formatBytes, formatCount, lineOf, Moment, Outcome } from "../look/index.ts"
import type { Row } from "../stream/index.ts"
import type { CheckedFile } from "./checking.ts"

const rowsShown = 100

/** What the file shows and what it does not, in the words of the offline page. */
export function Verdict({ checked }: { readonly checked: CheckedFile }) {
  const { name, bytes, sha256, plain, rows, entries } = checked
  return (
    <div className="stack">
      <div className="evidence-verdict" data-tone={plain.tone} role="status">
        <p className="word">{plain.word}</p>
        <h3>{plain.title}</h3>
        <p>{lineOf(plain.lead)}</p>
        <Marks title="What this shows" kind="yes" lines={plain.shows} />
        <Marks title="What it does not show" kind="no" lines={plain.showsNot} />
      </div>
      <p className="small quiet">
        {lineOf(name)}, {formatBytes(bytes)}
      </p>
      {sha256 !== undefined && <Copyable text={`sha256 ${sha256}`} />}
      {rows.length > 0 && <Entries rows={rows} entries={entries} />}
    </div>
  )
}

function Marks({
  title,
  kind,
  lines,
}: {
  readonly title: string
  readonly kind: "yes" | "no"
  readonly lines: readonly string[]
}) {
  if (lines.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <ul className={`marks ${kind} small`}>
        {lines.map((line) => (
          <li key={line}>{lineOf(line)}</li>
        ))}
      </ul>
    </>
  )
}

function Entries({ rows, entries }: { readonly rows: readonly Row[]; readonly entries: number }) {
  return (
    <div className="scroll short">
      <table>
        <thead>
          <tr>
            <th scope="col" className="number">
              Index
            </th>
            <th scope="col">Received</th>
            <th scope="col">Action</th>
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, rowsShown).map(({ index, received, event }) => (
            <tr key={index}>
              <td className="number mono">{formatCount(index)}</td>
              <td className="mono small">
                <Moment at={received} />
              </td>
              <td className="wrap">{lineOf(event.action)}</td>
              <td>
                <Outcome value={event.outcome} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {entries > rowsShown && (
        <p className="small quiet">
          The first {rowsShown} of {formatCount(entries)}. All were checked.
        </p>
      )}
    </div>
  )
}
