import { useQuery } from "@tanstack/react-query"
import { api, type PolicyAnswer } from "../api/index.ts"
import { Answered, Copyable, formatBytes, formatCount, lineOf, State } from "../look/index.ts"
import { Detectors } from "./detectors.tsx"
import { History } from "./history.tsx"
import { Rules } from "./rules.tsx"

const againMs = 5_000

export function PolicyPage() {
  const query = useQuery({
    queryKey: ["policy"],
    queryFn: ({ signal }) => api.policy(signal),
    refetchInterval: againMs,
  })
  return (
    <div className="page">
      <header>
        <h1>Policy</h1>
        <p>
          What is kept of events. It stands in policy.yaml on the port’s machine; what it did is
          counted since the port was started.
        </p>
      </header>
      <Answered query={query}>{(answer) => <Standing answer={answer} />}</Answered>
    </div>
  )
}

function Standing({ answer }: { readonly answer: PolicyAnswer }) {
  const { policy, refused, besides, detected } = answer
  if (policy === null) return <State title="The port has not said which policy it works by" />
  return (
    <>
      {refused !== null && (
        <State title="A newer policy was refused; the one below stays in force" tone="bad">
          <p className="wrap">{lineOf(refused)}</p>
        </State>
      )}
      <Figures answer={answer} />
      {policy.rules.length === 0 ? (
        <State title="There is no policy: every event is kept as it comes">
          <p>A policy.yaml beside access.yaml says otherwise. What one would do is shown by</p>
          <Copyable text="postern policy dry-run policy.yaml --last 100000" />
        </State>
      ) : (
        <Rules policy={policy} besides={besides} />
      )}
      <div className="columns even">
        <Detectors detect={policy.detect} detected={detected} />
        <History digest={policy.digest} />
      </div>
      <p className="small quiet">
        Digest of the policy: <code className="wrap">{policy.digest}</code>
      </p>
    </>
  )
}

const lost = ["dropped", "sampled", "deduplicated"]

function Figures({ answer: { policy, besides, detected } }: { readonly answer: PolicyAnswer }) {
  const known = (policy?.rules ?? []).flatMap(({ figures }) => figures ?? [])
  const all = [...known, ...besides]
  const isKnown = detected !== null
  const sum = (of: (one: (typeof all)[number]) => number) =>
    all.reduce((total, one) => total + of(one), 0)
  const decided = sum(({ events }) => events)
  const notKept = sum(({ did }) => lost.reduce((total, what) => total + (did[what] ?? 0), 0))
  const found = (detected ?? []).reduce((total, { events }) => total + events, 0)
  const saved = sum(({ bytesSaved }) => bytesSaved)
  const figures = [
    ["Events looked at", formatCount(decided)],
    ["Not kept", formatCount(notKept)],
    ["Hits of detectors", formatCount(found)],
    ["Bytes saved", saved < 0 ? `−${formatBytes(-saved)}` : formatBytes(saved)],
  ]
  return (
    <dl className="figures">
      {figures.map(([name, value]) => (
        <div key={name} className="card figure">
          <dt>{name}</dt>
          <dd>{isKnown ? value : "unknown"}</dd>
        </div>
      ))}
    </dl>
  )
}
