import { useQuery } from "@tanstack/react-query"
import { formatAddress } from "../address/index.ts"
import { type AlertAnswer, type AlertsAnswer, api } from "../api/index.ts"
import { Age, Answered, formatCount, formatSpan, lineOf, State } from "../look/index.ts"
import { TestButton } from "./test-button.tsx"

const againMs = 15_000

export function AlertsPage() {
  const query = useQuery({
    queryKey: ["alerts"],
    queryFn: ({ signal }) => api.alerts(signal),
    refetchInterval: againMs,
  })
  return (
    <div className="page">
      <header>
        <h1>Alerts</h1>
        <p>
          They stand in alerts.yaml beside the access list. A change of state is an entry of the log
          and goes to the webhook.
        </p>
      </header>
      <Answered query={query}>
        {(answer) => (
          <>
            <AlertList alerts={answer.alerts} />
            <Questions questions={answer.questions} />
          </>
        )}
      </Answered>
    </div>
  )
}

function AlertList({ alerts }: Pick<AlertsAnswer, "alerts">) {
  if (alerts.length === 0) {
    return (
      <State title="No alert is set up">
        <p>Write one into alerts.yaml; postern alert check says whether it is well written.</p>
      </State>
    )
  }
  const sorted = [...alerts].sort(
    (a, b) => Number(b.state === "raised") - Number(a.state === "raised"),
  )
  return (
    <section className="card scroll" aria-label="Alerts">
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Alert</th>
            <th scope="col">Question</th>
            <th scope="col" className="number">
              Now
            </th>
            <th scope="col">Limit</th>
            <th scope="col">Delivery</th>
            <th scope="col">
              <span className="visually-hidden">Test</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((alert) => (
            <AlertRow key={alert.name} alert={alert} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function AlertRow({ alert }: { readonly alert: AlertAnswer }) {
  const { name, severity, query, threshold, window, state, since, count, delivered } = alert
  const isRaised = state === "raised"
  return (
    <tr>
      <td>
        <span className="tag" data-tone={isRaised ? "bad" : "good"}>
          {lineOf(state)}
        </span>
        {since !== null && since !== undefined && (
          <div className="small quiet">
            <Age at={since} />
          </div>
        )}
      </td>
      <td>
        <b className="nowrap-text">{lineOf(name)}</b>
        <div className="small quiet">{lineOf(severity)}</div>
      </td>
      <td className="wrap">
        {query === "" ? (
          <span className="quiet">built in</span>
        ) : (
          <a href={formatAddress("stream", { q: query, range: "24h" })}>
            <code>{lineOf(query)}</code>
          </a>
        )}
      </td>
      <td className="number">{formatCount(count ?? 0)}</td>
      <td>
        {formatCount(threshold)} <span className="small quiet">in {formatSpan(window * 1e6)}</span>
      </td>
      <td className="small wrap">
        <Delivery delivered={delivered} />
      </td>
      <td>
        <TestButton name={name} />
      </td>
    </tr>
  )
}

function Delivery({ delivered }: Pick<AlertAnswer, "delivered">) {
  if (delivered === null) return <>–</>
  const { at, webhook, outcome, detail } = delivered
  return (
    <>
      <span className="tag" data-tone={outcome === "taken" ? "good" : "bad"}>
        {lineOf(outcome)}
      </span>{" "}
      <Age at={at} /> by {lineOf(webhook)}
      {detail !== "" && <div className="quiet">{lineOf(detail)}</div>}
    </>
  )
}

function Questions({ questions }: Pick<AlertsAnswer, "questions">) {
  if (questions.length === 0) return null
  return (
    <section className="card" aria-labelledby="questions">
      <header>
        <h2 id="questions">Questions of this installation</h2>
      </header>
      <ul className="body stack">
        {questions.map(({ name, query, description }) => (
          <li key={name}>
            <a href={formatAddress("stream", { q: query, range: "7d" })}>{lineOf(name)}</a>
            <span className="quiet small"> {lineOf(description)}</span>
            <div>
              <code className="small wrap">{lineOf(query)}</code>
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
