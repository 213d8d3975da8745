import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { formatAddress } from "../address/index.ts"
import { api, type WriterAnswer } from "../api/index.ts"
import { termFor } from "../entry/index.ts"
import {
  Age,
  Answered,
  Copyable,
  counted,
  formatCount,
  lineOf,
  Moment,
  Partial,
  State,
  shortIdentity,
} from "../look/index.ts"
import { Sparkline } from "./sparkline.tsx"

const againMs = 15_000

export function WritersPage() {
  const query = useQuery({
    queryKey: ["writers"],
    queryFn: ({ signal }) => api.writers(signal),
    refetchInterval: againMs,
  })
  return (
    <div className="page">
      <header>
        <h1>Writers</h1>
        <p>
          Everybody who may write or has written. Missing are events that the log itself says are
          not in it: numbers that a stream left out, and events that were refused.
        </p>
      </header>
      <Answered query={query}>
        {(answer) =>
          answer.writers.length === 0 ? (
            <State title="No writer yet">
              <p>The first one is added on the port’s machine:</p>
              <Copyable text="postern writer add billing --source app://billing" />
            </State>
          ) : (
            <>
              <Partial answer={answer} />
              <WriterList writers={answer.writers} />
            </>
          )
        }
      </Answered>
    </div>
  )
}

function WriterList({ writers }: { readonly writers: readonly WriterAnswer[] }) {
  const [open, setOpen] = useState<string | undefined>(undefined)
  const sorted = [...writers].sort((a, b) => concern(b) - concern(a) || b.entries - a.entries)
  return (
    <div className="card scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Writer</th>
            <th scope="col">Last heard</th>
            <th scope="col">Last 24 hours</th>
            <th scope="col" className="number">
              Entries
            </th>
            <th scope="col">Missing</th>
            <th scope="col">Certificate</th>
            <th scope="col">
              <span className="visually-hidden">More</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((writer) => (
            <WriterRows
              key={writer.id}
              writer={writer}
              isOpen={open === writer.id}
              onToggle={() => setOpen(open === writer.id ? undefined : writer.id)}
            />
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What needs somebody’s attention stands on top. */
function concern({ gaps, losses, silent }: WriterAnswer): number {
  return (gaps + losses > 0 ? 2 : 0) + (silent ? 1 : 0)
}

function WriterRows({
  writer,
  isOpen,
  onToggle,
}: {
  readonly writer: WriterAnswer
  readonly isOpen: boolean
  readonly onToggle: () => void
}) {
  const { id, lastSeen, perHour, entries, gaps, losses, silent } = writer
  const short = shortIdentity(id)
  return (
    <>
      <tr>
        <td>
          <a href={formatAddress("stream", { q: termFor("writer", id), range: "7d" })} title={id}>
            {short}
          </a>
          {silent && (
            <>
              {" "}
              <span className="tag" data-tone="bad">
                silent
              </span>
            </>
          )}
        </td>
        <td>{lastSeen === null ? <span className="quiet">never</span> : <Age at={lastSeen} />}</td>
        <td>
          <Sparkline counts={perHour} />
        </td>
        <td className="number">{formatCount(entries)}</td>
        <td>
          <Missing gaps={gaps} losses={losses} />
        </td>
        <td>
          <Certificate certificate={writer.certificate} />
        </td>
        <td>
          <button type="button" className="button tiny" aria-expanded={isOpen} onClick={onToggle}>
            Grant
            <span className="visually-hidden"> of {short}</span>
          </button>
        </td>
      </tr>
      {isOpen && (
        <tr className="opened">
          <td colSpan={7}>
            <Grant writer={writer} />
          </td>
        </tr>
      )}
    </>
  )
}

function Missing({ gaps, losses }: { readonly gaps: number; readonly losses: number }) {
  if (gaps + losses === 0)
    return (
      <span className="tag" data-tone="good">
        nothing
      </span>
    )
  const parts = [gaps > 0 ? counted(gaps, "gap") : "", losses > 0 ? counted(losses, "loss") : ""]
  return (
    <span className="tag" data-tone="bad">
      {parts.filter((part) => part !== "").join(", ")}
    </span>
  )
}

function Certificate({ certificate }: Pick<WriterAnswer, "certificate">) {
  if (certificate === null) return <span className="quiet">not seen</span>
  const used = Math.min(1, Math.max(0, certificate.lifeUsed))
  const tone = used > 0.95 ? "bad" : used > 0.8 ? "fair" : "good"
  const text = `${Math.round(used * 100)} % of its life is over`
  return (
    <span title={`${text}\nserial ${certificate.serial}`}>
      <span className="meter" data-tone={tone} role="img" aria-label={text}>
        <span style={{ width: `${used * 100}%` }} />
      </span>
      <span className="small quiet">
        ends <Age at={certificate.notAfter} />
      </span>
    </span>
  )
}

function Grant({ writer }: { readonly writer: WriterAnswer }) {
  const { id, owner, expires, addresses = [], streams, grant } = writer
  return (
    <dl className="facts">
      <dt>Identity</dt>
      <dd className="mono">{id}</dd>
      <dt>Owner</dt>
      <dd>{owner ?? "nobody named"}</dd>
      <dt>Grant ends</dt>
      <dd>
        {expires === null || expires === undefined ? "never" : <Moment at={expires} digits="s" />}
      </dd>
      <dt>Streams</dt>
      <dd>{formatCount(streams)}</dd>
      <dt>Addresses</dt>
      <dd className="mono">{addresses.length === 0 ? "not known" : addresses.join(", ")}</dd>
      {grant === null ? (
        <>
          <dt>Grant</dt>
          <dd>none in the access list in force</dd>
        </>
      ) : (
        Object.entries(grant).map(([name, value]) => <Pair key={name} name={name} value={value} />)
      )}
    </dl>
  )
}

function Pair({ name, value }: { readonly name: string; readonly value: unknown }) {
  const text = Array.isArray(value) ? value.map(lineOf).join(", ") : lineOf(value)
  return (
    <>
      <dt>{name}</dt>
      <dd className="mono">{text === "" ? "–" : text}</dd>
    </>
  )
}
