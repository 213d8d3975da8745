import type { Alert, Notice } from "../../alerts/index.ts"

/** JSON of a notification (docs/operating/alerts.md), the same for every webhook. */
export function noticeBody(notice: Notice, origin: string, timeMs: number): string {
  const { kind: type, to: _, ...facts } = notice
  const time = new Date(timeMs).toISOString()
  const first = notice.kind === "alert" ? notice.first : undefined
  return JSON.stringify({ type, ...facts, ...hint(first), log: origin, time })
}

/** As a notification of the alert, with nothing behind it. */
export function testBody(
  { name, description, severity, withinMs }: Alert,
  origin: string,
  timeMs: number,
): string {
  return JSON.stringify({
    ...{ type: "test", alert: name, description, severity, state: "test" },
    ...{ count: 0, withinSeconds: withinMs / 1000, of: [], raises: 0 },
    ...{ log: origin, time: new Date(timeMs).toISOString() },
  })
}

/** Where to look: the first entry that counted. */
function hint(first: number | undefined): { readonly look?: string } {
  return first === undefined ? {} : { look: `postern show ${first}` }
}
