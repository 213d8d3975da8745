import { useQuery } from "@tanstack/react-query"
import { api, type LogAnswer, type StatusAnswer } from "../api/index.ts"
import {
  Answered,
  CopyButton,
  Disk,
  formatBytes,
  formatCount,
  lineOf,
  Witnesses,
} from "../look/index.ts"
import { KeyCard } from "./key-card.tsx"

const segmentsShown = 50

export function LogPage({ status }: { readonly status: StatusAnswer }) {
  const query = useQuery({ queryKey: ["log"], queryFn: ({ signal }) => api.log(signal) })
  return (
    <div className="page">
      <header>
        <h1>Log</h1>
        <p>
          {lineOf(status.origin)}, {formatCount(status.size)} entries. It is tamper-evident: what
          was signed cannot be changed without a check failing, here, at a witness, or at anybody
          who kept a checkpoint.
        </p>
      </header>
      <Answered query={query}>
        {(answer) => (
          <>
            <div className="columns even">
              <KeyCard log={answer} />
              <Checkpoint log={answer} lag={status.lag} />
            </div>
            <div className="columns even">
              <Witnesses witnesses={answer.witnesses ?? []} />
              <Copies mirrors={status.mirrors ?? []} />
            </div>
            <Storage log={answer} />
          </>
        )}
      </Answered>
    </div>
  )
}

function Checkpoint({ log, lag }: { readonly log: LogAnswer; readonly lag: number }) {
  return (
    <section className="card" aria-labelledby="checkpoint">
      <header>
        <h2 id="checkpoint">Newest checkpoint</h2>
        {log.checkpoint !== null && <CopyButton text={log.checkpoint} />}
      </header>
      <div className="body stack">
        {log.checkpoint === null ? (
          <p className="quiet">None yet.</p>
        ) : (
          <pre className="raw">{log.checkpoint.trimEnd()}</pre>
        )}
        <p className="small quiet">
          {lag === 0
            ? "It covers every entry."
            : `${formatCount(lag)} newer entries are durable and wait for the next one.`}
        </p>
      </div>
    </section>
  )
}

function Copies({ mirrors }: { readonly mirrors: NonNullable<StatusAnswer["mirrors"]> }) {
  return (
    <section className="card" aria-labelledby="copies">
      <header>
        <h2 id="copies">Copies elsewhere</h2>
      </header>
      {mirrors.length === 0 ? (
        <p className="body quiet small">
          No mirror has confirmed anything: the log stands on one disk.
        </p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Mirror</th>
              <th scope="col" className="number">
                Entries synced
              </th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            {mirrors.map(({ reader, size, confirmed, connected }) => (
              <tr key={reader}>
                <td className="wrap">{lineOf(reader)}</td>
                <td className="number" title={confirmed}>
                  {formatCount(size)}
                </td>
                <td>
                  {connected ? (
                    "connected"
                  ) : (
                    <span className="tag" data-tone="fair">
                      away
                    </span>
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

function Storage({ log }: { readonly log: LogAnswer }) {
  const { segments = [], disk } = log
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  return (
    <section className="card" aria-labelledby="storage">
      <header>
        <h2 id="storage">Storage</h2>
        <span className="small quiet">
          {segments.length} segments, {formatBytes(bytes)}
        </span>
      </header>
      {disk !== null && disk !== undefined && (
        <div className="body">
          <Disk disk={disk} />
        </div>
      )}
      {segments.length > 0 && (
        <div className="scroll short">
          <table>
            <thead>
              <tr>
                <th scope="col" className="number">
                  First entry
                </th>
                <th scope="col" className="number">
                  Entries
                </th>
                <th scope="col" className="number">
                  Bytes
                </th>
                <th scope="col" className="number">
                  Bytes an entry
                </th>
              </tr>
            </thead>
            <tbody>
              {segments
                .slice(-segmentsShown)
                .toReversed()
                .map(({ first, entries, bytes: size }) => (
                  <tr key={first}>
                    <td className="number">{formatCount(first)}</td>
                    <td className="number">{formatCount(entries)}</td>
                    <td className="number" title={formatCount(size)}>
                      {formatBytes(size)}
                    </td>
                    <td className="number">{entries === 0 ? "–" : Math.round(size / entries)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      )}
      {segments.length > segmentsShown && (
        <p className="body small quiet">The newest {segmentsShown} are shown.</p>
      )}
    </section>
  )
}
