import { concatBytes, encodeUtf8 } from "@postern/log/base"
import { formatStamp } from "@postern/log/event"
import { type AlertRules, type Observed, parseAlerts } from "./index.ts"

/** A Monday, 10:00 UTC. */
export const mondayMs = Date.UTC(2026, 10, 23, 10)

const nonce = new Uint8Array(16)

export interface Wrote {
  readonly index: number
  readonly timeMs: number
  readonly writer?: string
  readonly own?: boolean
  readonly event?: Readonly<Record<string, unknown>>
}

/** An entry as a port would have written it. */
export function entry({ index, timeMs, writer, own = false, event = {} }: Wrote): Observed {
  const text = JSON.stringify({
    ...{ id: `e${index}`, time: new Date(timeMs).toISOString(), source: "app://a" },
    ...{ action: "a.b", outcome: "success", actor: { type: "user", id: "alice" }, targets: [] },
    ...event,
  })
  const stamp = formatStamp({
    received: timeMs * 1000,
    open: 0,
    sequence: index,
    nonce,
    changed: 0,
  })
  const leaf = concatBytes(encodeUtf8(`${stamp}\n`), encodeUtf8(text))
  return { index, receivedMs: timeMs, writer, own, leaf }
}

/** An entry of the port's own. */
export function selfEntry(
  index: number,
  timeMs: number,
  action: string,
  more: { readonly outcome?: string; readonly data?: object } = {},
): Observed {
  const actor = { type: "system", id: "port" }
  return entry({ index, timeMs, event: { action, actor, source: "postern://log", ...more } })
}

/** Rules with the given alerts, and a webhook `pager`. */
export function rulesOf(...alerts: readonly string[]): AlertRules {
  const lines = alerts.map((alert) => `  - { ${alert} }`).join("\n") || "  []"
  return parseAlerts(`alerts:\n${lines}\nwebhooks: [{ name: pager, url: "https://a.example/" }]\n`)
}
