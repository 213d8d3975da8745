import type { HostPort } from "../config/index.ts"
import type { PortFigures } from "./api/index.ts"
import { keptFor } from "./kept-for.ts"

const askMs = 1_500
const keptMs = 3_000
const answerCharactersMax = 262_144

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
      ackMs: p50 === undefined || p99 === undefined ? null : { p50: p50 * 1000, p99: p99 * 1000 },
    }
  })
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
