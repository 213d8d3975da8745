import type { WitnessAnswer } from "../api/index.ts"
import { Age } from "./moment.tsx"
import { formatCount, lineOf } from "./text.ts"

/** Who else has seen the log, up to which size, and how long ago. */
export function Witnesses({ witnesses }: { readonly witnesses: readonly WitnessAnswer[] }) {
  return (
    <section className="card" aria-labelledby="witnesses">
      <header>
        <h2 id="witnesses">Witnesses</h2>
      </header>
      {witnesses.length === 0 ? (
        <p className="body quiet small">
          None. Whoever holds the log’s key could show different histories to different readers.
        </p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" className="number">
                Entries seen
              </th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {witnesses.map(({ name, size, at }) => (
              <tr key={name}>
                <td className="wrap">{lineOf(name)}</td>
                <td className="number">
                  {size === null || size === undefined ? "–" : formatCount(size)}
                </td>
                <td>
                  {at === null || at === undefined ? (
                    <span className="quiet">never</span>
                  ) : (
                    <Age at={at} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
