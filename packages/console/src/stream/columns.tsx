import type { ReactNode } from "react"
import { kept } from "../kept/index.ts"
import { lineOf, Moment, Outcome, shortIdentity } from "../look/index.ts"
import type { Row } from "./row.ts"

export interface Column {
  readonly title: string
  /** Track of the grid. */
  readonly width: string
  readonly isMono?: true
  readonly show: (row: Row) => ReactNode
  /** What stands on hover, where a cell shows less. */
  readonly exact?: (row: Row) => string
}

type EventPart = Readonly<Record<string, unknown>> | undefined

/** `type/id` of the first target, and how many more there are. */
function targetsLine(event: Row["event"]): string {
  const targets = Array.isArray(event.targets) ? (event.targets as EventPart[]) : []
  const [first] = targets
  if (first === undefined || first === null) return ""
  const more = targets.length > 1 ? ` +${targets.length - 1}` : ""
  return `${lineOf(first.type)}/${shortIdentity(lineOf(first.id))}${more}`
}

function actorLine(event: Row["event"]): string {
  const actor = event.actor as EventPart
  if (typeof actor !== "object" || actor === null) return lineOf(actor)
  const behalf = Array.isArray(event.onBehalfOf) ? (event.onBehalfOf[0] as EventPart) : undefined
  const id = shortIdentity(lineOf(actor.id))
  return behalf?.id === undefined ? id : `${id} for ${lineOf(behalf.id)}`
}

const member = (name: string, inside: string) => (row: Row) => {
  const part = row.event[name] as EventPart
  return typeof part === "object" && part !== null ? lineOf(part[inside]) : ""
}

/** The last step of a SPIFFE ID tells writers apart; the whole stands on hover. */
function writerLine({ writer }: Row): ReactNode {
  const short = writer.startsWith("postern://") ? "the port" : shortIdentity(writer)
  return <span title={writer}>{lineOf(short)}</span>
}

const all = {
  received: {
    title: "Received",
    width: "184px",
    isMono: true,
    show: ({ received }) => <Moment at={received} />,
  },
  time: {
    title: "Event time",
    width: "190px",
    isMono: true,
    show: ({ event }) => lineOf(event.time),
  },
  outcome: {
    title: "Outcome",
    width: "92px",
    show: ({ event }) => <Outcome value={event.outcome} />,
  },
  actor: {
    title: "Actor",
    width: "minmax(90px, 1fr)",
    show: ({ event }) => actorLine(event),
    exact: ({ event }) => lineOf(event.actor),
  },
  action: {
    title: "Action",
    width: "minmax(130px, 1.5fr)",
    show: ({ event }) => <strong>{lineOf(event.action)}</strong>,
    exact: ({ event }) => lineOf(event.action),
  },
  target: {
    title: "Target",
    width: "minmax(110px, 1.4fr)",
    show: ({ event }) => targetsLine(event),
    exact: ({ event }) => lineOf(event.targets),
  },
  source: {
    title: "Source",
    width: "minmax(90px, 1fr)",
    show: ({ event }) => lineOf(event.source),
  },
  writer: { title: "Writer", width: "minmax(104px, 0.9fr)", show: writerLine },
  address: { title: "From address", width: "120px", isMono: true, show: member("origin", "ip") },
  request: { title: "Request", width: "150px", isMono: true, show: member("request", "id") },
  tenant: { title: "Tenant", width: "100px", show: ({ event }) => lineOf(event.tenant) },
  index: {
    title: "Index",
    width: "84px",
    isMono: true,
    show: ({ index }) => index.toLocaleString("en"),
  },
} as const satisfies Record<string, Column>

export type ColumnName = keyof typeof all

export const columns: Readonly<Record<ColumnName, Column>> = all
export const columnNames = Object.keys(all) as ColumnName[]

export const columnsByDefault: readonly ColumnName[] = [
  "received",
  "outcome",
  "actor",
  "action",
  "target",
  "writer",
  "index",
]

export const shownColumns = kept<readonly ColumnName[]>("columns", columnsByDefault, (value) => {
  if (!Array.isArray(value)) return undefined
  const known = columnNames.filter((name) => value.includes(name))
  return known.length === 0 ? undefined : known
})
