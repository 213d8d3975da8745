import type { HostPort } from "../config/index.ts"
import type { PolicyFigures, PortFigures, RuleFigures } from "./api/index.ts"
import { keptFor } from "./kept-for.ts"
import { labelledFigures } from "./labelled-figures.ts"

const askMs = 1_500
const keptMs = 3_000
const answerCharactersMax = 1_048_576

/** Asks the ops plane, which is on loopback and holds no event; undefined if it does not answer in time. */
export function openPortFigures(
  addresses: readonly HostPort[],
): () => Promise<PortFigures | undefined> {
  const [address] = addresses
  return keptFor(keptMs, async () => {
    if (address === undefined || address.port === 0) return undefined
    const host = address.host.includes(":") ? `[${address.host}]` : address.host
    const ask = (path: string) => askOps(`http://${host}:${address.port}${path}`)
    const [ready, metrics] = await Promise.all([ask("/readyz?verbose"), ask("/metrics")])
    if (ready === undefined) return undefined
    const figure = (name: string) => figureOf(metrics?.text ?? "", name)
    const [p50, p99] = ["0.5", "0.99"].map((share) =>
      figure(`postern_ack_seconds{quantile="${share}"}`),
    )
    return {
      ready: { ok: ready.ok, lines: ready.text.trimEnd().split("\n") },
      sessions: figure("postern_connections") ?? null,
      policy: policyFigures(metrics?.text ?? ""),
      ackMs: p50 === undefined || p99 === undefined ? null : { p50: p50 * 1000, p99: p99 * 1000 },
    }
  })
}

function policyFigures(metrics: string): PolicyFigures {
  const of = (name: string) => labelledFigures(metrics, `postern_policy_${name}`)
  const rules = new Map<string, { -readonly [K in keyof RuleFigures]: RuleFigures[K] }>()
  for (const { labels, value } of of("decided_total")) {
    const { rule = "" } = labels
    rules.set(rule, { rule, events: value, did: {}, bytesSaved: 0 })
  }
  for (const { labels, value } of of("events_total")) {
    const known = rules.get(labels.rule ?? "")
    if (known !== undefined) known.did = { ...known.did, [labels.did ?? ""]: value }
  }
  for (const { labels, value } of of("saved_bytes")) {
    const known = rules.get(labels.rule ?? "")
    if (known !== undefined) known.bytesSaved = value
  }
  const detected = of("detected_total").map(({ labels: { writer = "", detector = "" }, value }) => {
    return { writer, detector, events: value }
  })
  return { rules: [...rules.values()], detected }
}

async function askOps(url: string): Promise<{ ok: boolean; text: string } | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(askMs), redirect: "error" })
    const text = await answer.text()
    return { ok: answer.ok, text: text.slice(0, answerCharactersMax) }
  } catch {
    return undefined // Nobody there, or not in time: what the port says of itself is not known.
  }
}

/** The value of a line of the Prometheus text format. */
function figureOf(metrics: string, name: string): number | undefined {
  const line = metrics.split("\n").find((one) => one.startsWith(`${name} `))
  const value = line === undefined ? Number.NaN : Number(line.slice(name.length + 1))
  return Number.isFinite(value) ? value : undefined
}
