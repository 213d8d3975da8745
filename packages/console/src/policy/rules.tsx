import type { PolicyAnswer, PolicyRule, RuleFigures } from "../api/index.ts"
import { formatBytes, formatCount, lineOf } from "../look/index.ts"

type Policy = NonNullable<PolicyAnswer["policy"]>

interface RulesProps {
  readonly policy: Policy
  readonly besides: PolicyAnswer["besides"]
}

/** In the order in which they are asked; the one that matches first decides. */
export function Rules({ policy, besides }: RulesProps) {
  const { rules, unmatched } = policy
  const all = [...rules.map(({ figures }) => figures), ...besides]
  const most = Math.max(1, ...all.map((figures) => figures?.events ?? 0))
  return (
    <section className="card scroll" aria-labelledby="rules">
      <header>
        <h2 id="rules">Rules</h2>
        <span className="small quiet">
          the first that matches decides; what none matches is kept at the level {lineOf(unmatched)}
        </span>
      </header>
      <table>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Matches</th>
            <th scope="col">Keeps</th>
            <th scope="col">Events</th>
            <th scope="col">Kept less</th>
            <th scope="col" className="number">
              Bytes saved
            </th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule, at) => (
            <tr key={rule.name}>
              <th scope="row">
                {at + 1}. {lineOf(rule.name)}
              </th>
              <td className="wrap">
                <Conditions match={rule.match} />
              </td>
              <td className="wrap">
                <Keeps rule={rule} />
              </td>
              <Counts figures={rule.figures} most={most} />
            </tr>
          ))}
          {besides.map(({ rule, ...figures }) => (
            <tr key={rule}>
              <th scope="row">{rule === "(none)" ? "no rule" : lineOf(rule)}</th>
              <td className="quiet" colSpan={2}>
                {rule === "(none)" ? "what no rule matched" : "not in this policy any more"}
              </td>
              <Counts figures={figures} most={most} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Conditions({ match }: Pick<PolicyRule, "match">) {
  const conditions = Object.entries(match)
  if (conditions.length === 0) return <span className="quiet">every event</span>
  return (
    <span className="grant-text small">
      {conditions.map(([name, value]) => (
        <span key={name}>
          <span className="quiet">{name}</span> <code>{conditionText(value)}</code>
        </span>
      ))}
    </span>
  )
}

function conditionText(value: unknown): string {
  if (Array.isArray(value)) return value.map(lineOf).join(", ")
  const { min, max } = (value ?? {}) as { min?: unknown; max?: unknown }
  const from = min === undefined ? "" : `${lineOf(min)} `
  return max === undefined ? `${from}bytes or more` : `${from}to ${lineOf(max)} bytes`.trim()
}

const tones: Readonly<Record<string, string>> = { full: "good", drop: "bad" }

function Keeps({ rule }: { readonly rule: PolicyRule }) {
  const { level, sample, deduplicate, transforms } = rule
  return (
    <span className="grant-text small">
      <span>
        <span className="tag" data-tone={tones[level] ?? "fair"}>
          {lineOf(level)}
        </span>
      </span>
      {sample !== null && <span>{formatShare(sample)} of them</span>}
      {deduplicate !== null && <span>of equal ones one in {deduplicate} s</span>}
      {transforms.map(({ at, do: doing }) => (
        <span key={at}>
          <span className="quiet">{lineOf(doing)}</span> <code>{lineOf(at)}</code>
        </span>
      ))}
    </span>
  )
}

function formatShare(share: number): string {
  return `${(100 * share).toLocaleString("en", { maximumSignificantDigits: 3 })} %`
}

interface CountsProps {
  readonly figures: RuleFigures | null
  readonly most: number
}

function Counts({ figures, most }: CountsProps) {
  if (figures === null) {
    return (
      <td className="quiet" colSpan={3}>
        unknown
      </td>
    )
  }
  const { events, did, bytesSaved } = figures
  const done = Object.entries(did).sort(([, a], [, b]) => b - a)
  return (
    <>
      <td>
        <span className="row">
          <span className="meter" aria-hidden="true">
            <span style={{ width: `${(100 * events) / most}%` }} />
          </span>
          {formatCount(events)}
        </span>
      </td>
      <td className="wrap small">
        {done.length === 0 ? (
          <span className="quiet">nothing</span>
        ) : (
          done.map(([what, count]) => `${formatCount(count)} ${lineOf(what)}`).join(", ")
        )}
      </td>
      <td className="number">
        {bytesSaved < 0 ? `−${formatBytes(-bytesSaved)}` : formatBytes(bytesSaved)}
      </td>
    </>
  )
}
