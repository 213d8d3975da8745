import { useQuery } from "@tanstack/react-query"
import { formatAddress } from "../address/index.ts"
import { api, type DoctorCheck, type PortAnswer } from "../api/index.ts"
import { termFor } from "../entry/index.ts"
import {
  Age,
  Answered,
  Copyable,
  Disk,
  formatCount,
  lineOf,
  Partial,
  Witnesses,
} from "../look/index.ts"

const againMs = 15_000

export function PortPage() {
  const query = useQuery({
    queryKey: ["port"],
    queryFn: ({ signal }) => api.port(signal),
    refetchInterval: againMs,
  })
  return (
    <div className="page">
      <header>
        <h1>Port</h1>
        <p>
          What the port says about itself. What could not be checked is unknown, which is not the
          same as well.
        </p>
      </header>
      <Answered query={query}>
        {(answer) => (
          <>
            <Partial answer={answer} />
            <Figures answer={answer} />
            <div className="columns">
              <Doctor doctor={answer.doctor} />
              <div className="stack">
                <Ready ready={answer.ready} />
                <Refusals refusals={answer.refusals} />
                <Witnesses witnesses={answer.witnesses} />
              </div>
            </div>
          </>
        )}
      </Answered>
    </div>
  )
}

function Figures({ answer }: { readonly answer: PortAnswer }) {
  const { ready, sessions, ackMs, disk } = answer
  return (
    <dl className="figures">
      <div className="card figure">
        <dt>Ready</dt>
        <dd>
          {ready === null ? "unknown" : ready.ok ? "yes" : "no"}
          <span className="tag" data-tone={ready === null ? "fair" : ready.ok ? "good" : "bad"}>
            {ready === null ? "not asked" : ready.ok ? "takes events" : "see below"}
          </span>
        </dd>
      </div>
      <div className="card figure">
        <dt>Sessions</dt>
        <dd>{sessions === null ? "unknown" : formatCount(sessions)}</dd>
      </div>
      <div className="card figure">
        <dt>Acknowledged within</dt>
        <dd>
          {ackMs === null ? "unknown" : `${formatMs(ackMs.p50)} ms`}
          {ackMs !== null && <span className="small quiet">p99 {formatMs(ackMs.p99)} ms</span>}
        </dd>
      </div>
      <div className="card figure">
        <dt>Disk</dt>
        <dd>{disk === null ? "unknown" : <Disk disk={disk} />}</dd>
      </div>
    </dl>
  )
}

function formatMs(ms: number): string {
  return ms.toLocaleString("en", { maximumFractionDigits: ms < 10 ? 1 : 0 })
}

const order = ["fail", "warn", "unknown", "ok"]
const tones = { ok: "good", warn: "fair", fail: "bad", unknown: "fair" } as const

function Doctor({ doctor }: Pick<PortAnswer, "doctor">) {
  const checks = [...doctor.checks].sort(
    (a, b) => order.indexOf(a.status) - order.indexOf(b.status),
  )
  const bad = checks.filter(({ status }) => status !== "ok").length
  return (
    <section className="card" aria-labelledby="doctor">
      <header>
        <h2 id="doctor">Doctor</h2>
        <span className="small quiet">
          {doctor.at === null ? "has not run" : <Age at={doctor.at} />}
          {checks.length > 0 &&
            `, ${bad === 0 ? "all" : `${checks.length - bad} of`} ${checks.length} checks well`}
        </span>
      </header>
      <div className="body">
        {checks.length === 0 ? (
          <Copyable text="postern doctor" />
        ) : (
          <ul className="checks">
            {checks.map((check) => (
              <Check key={check.id} check={check} />
            ))}
          </ul>
        )}
      </div>
    </section>
  )
}

function Check({ check }: { readonly check: DoctorCheck }) {
  const { id, status, severity, evidence, fix } = check
  const isWell = status === "ok"
  return (
    <li className="check">
      <details open={!isWell}>
        <summary>
          <span className="tag" data-tone={tones[status] ?? "fair"}>
            {status}
          </span>
          <code>{id}</code>
          {!isWell && <span className="small quiet">{severity}</span>}
        </summary>
        <p className="small wrap">{lineOf(evidence)}</p>
        {!isWell && fix !== undefined && fix !== "" && <Copyable text={fix} label="Copy fix" />}
      </details>
    </li>
  )
}

function Ready({ ready }: Pick<PortAnswer, "ready">) {
  if (ready === null || ready.lines.length === 0) return null
  return (
    <section className="card" aria-labelledby="ready">
      <header>
        <h2 id="ready">Readiness</h2>
      </header>
      <div className="body">
        <pre className="raw">{ready.lines.map(lineOf).join("\n")}</pre>
      </div>
    </section>
  )
}

function Refusals({ refusals }: Pick<PortAnswer, "refusals">) {
  return (
    <section className="card" aria-labelledby="refusals">
      <header>
        <h2 id="refusals">Refusals</h2>
        <a
          className="small"
          href={formatAddress("stream", { q: termFor("action", "postern.refused"), range: "7d" })}
        >
          in the stream
        </a>
      </header>
      {refusals.length === 0 ? (
        <p className="body quiet small">Nothing was refused.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Code</th>
              <th scope="col" className="number">
                Count
              </th>
              <th scope="col">Last</th>
            </tr>
          </thead>
          <tbody>
            {refusals.map(({ code, count, last }) => (
              <tr key={code}>
                <td>
                  <code>{code}</code>
                </td>
                <td className="number">{formatCount(count)}</td>
                <td>{last === null || last === undefined ? "–" : <Age at={last} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
