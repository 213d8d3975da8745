import { useQuery } from "@tanstack/react-query"
import { formatAddress } from "../address/index.ts"
import { api } from "../api/index.ts"
import { Answered, lineOf, Moment, shortIdentity } from "../look/index.ts"
import { type Row, readRow } from "../stream/index.ts"

const shownMax = 20
const shownDigits = 16
const loaded = "action:postern.policy.loaded"

/** Asked once for each policy in force: the question is itself an entry. */
export function History({ digest }: { readonly digest: string }) {
  const query = useQuery({
    queryKey: ["policy-history", digest],
    queryFn: ({ signal }) => api.search({ q: loaded, order: "desc", limit: shownMax }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return (
    <section className="card" aria-labelledby="policy-history">
      <header>
        <h2 id="policy-history">In force, as the log says</h2>
        <a className="small" href={formatAddress("stream", { q: loaded, range: "all" })}>
          in the stream
        </a>
      </header>
      <Answered query={query}>
        {({ entries }) =>
          entries.length === 0 ? (
            <p className="body quiet small">The log names no policy yet.</p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th scope="col">From</th>
                  <th scope="col">Policy</th>
                  <th scope="col">By</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry) => (
                  <Loaded key={entry.index} row={readRow(entry)} now={digest} />
                ))}
              </tbody>
            </table>
          )
        }
      </Answered>
    </section>
  )
}

function Loaded({ row, now }: { readonly row: Row; readonly now: string }) {
  const { digest, by, weakens } = (row.event.data ?? {}) as Record<string, unknown>
  return (
    <tr>
      <td>
        <a href={formatAddress("entry", {}, String(row.index))}>
          <Moment at={row.received} digits="s" />
        </a>
      </td>
      <td>
        <code>{lineOf(digest).slice(0, shownDigits)}</code>
        {digest === now && (
          <>
            {" "}
            <span className="tag" data-tone="good">
              this one
            </span>
          </>
        )}
        {weakens === true && (
          <>
            {" "}
            <span className="tag" data-tone="fair">
              weakens
            </span>
          </>
        )}
      </td>
      <td>{typeof by === "string" ? shortIdentity(by) : ""}</td>
    </tr>
  )
}
