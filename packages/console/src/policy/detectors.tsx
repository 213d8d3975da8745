import { formatAddress } from "../address/index.ts"
import type { PolicyAnswer } from "../api/index.ts"
import { termFor } from "../entry/index.ts"
import { formatCount, lineOf, shortIdentity } from "../look/index.ts"

type Detect = NonNullable<PolicyAnswer["policy"]>["detect"]

interface DetectorsProps {
  readonly detect: Detect
  readonly detected: PolicyAnswer["detected"]
}

/** What is looked for in events, and in whose it was found. */
export function Detectors({ detect, detected }: DetectorsProps) {
  return (
    <section className="card" aria-labelledby="detectors">
      <header>
        <h2 id="detectors">Detectors</h2>
        <span className="small quiet">
          {detect === null ? "none is on" : groupsOf(detect).join(", ")}
        </span>
      </header>
      {detected === null ? (
        <p className="body quiet small">The port does not say what they found.</p>
      ) : detected.length === 0 ? (
        <p className="body quiet small">Nothing was found.</p>
      ) : (
        <div className="scroll short">
          <table>
            <thead>
              <tr>
                <th scope="col">Writer</th>
                <th scope="col">Found</th>
                <th scope="col" className="number">
                  Events
                </th>
              </tr>
            </thead>
            <tbody>
              {detected.map(({ writer, detector, events }) => (
                <tr key={`${detector} ${writer}`}>
                  <td className="wrap" title={writer}>
                    <a
                      href={formatAddress("stream", { q: termFor("writer", writer), range: "7d" })}
                    >
                      {shortIdentity(writer)}
                    </a>
                  </td>
                  <td>
                    <code>{lineOf(detector)}</code>
                  </td>
                  <td className="number">{formatCount(events)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function groupsOf({ groups, packs, patterns }: NonNullable<Detect>): string[] {
  const on = Object.entries(groups).filter(([, doing]) => doing !== "off")
  return [
    ...on.map(([name, doing]) => `${lineOf(name)}: ${lineOf(doing)}`),
    ...packs.map((name) => `pack ${lineOf(name)}`),
    ...patterns.map(({ name, do: doing }) => `${lineOf(name)}: ${lineOf(doing)}`),
  ]
}
