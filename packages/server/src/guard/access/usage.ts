import type { LogEntry, QueryFields, Reader } from "@postern/client"
import type { AccessList, Identity } from "../../access/index.ts"

/** What the log says of an identity since a time. */
export interface Usage {
  /** RFC 3339; undefined if it did nothing since then. */
  readonly lastUsed: string | undefined
  /** Of a writer that was used: grants that it never needed, e.g. `actions user.*`. */
  readonly neverNeeded: readonly string[]
  /** Two certificates of it at the same time, from different hosts. */
  readonly shared: string | undefined
  /** It had a change of its own line loaded. */
  readonly selfApproved: boolean
}

/** Of openings of a writer's streams; more are not looked at. */
const openingsMax = 10_000
const operatorActs = "postern.access.loaded,postern.access.approved,postern.access.reviewed"

/** Asks the log about every identity; each question is itself an entry. Of couriers the log says nothing: they are left out. */
export async function readUsage(
  reader: Pick<Reader, "search">,
  list: AccessList,
  since: Date,
): Promise<ReadonlyMap<string, Usage>> {
  const ask = (fields: QueryFields, limit = 1, order: "asc" | "desc" = "desc") =>
    gather(reader.search(fields, { since: since.toISOString(), limit, order }))
  const usages = new Map<string, Usage>()
  for (const identity of list.identities) {
    if (identity.role === "courier") continue
    const { id } = identity
    const [newest] = await ask(actsOf(identity))
    const changes = await ask({ action: "postern.access.loaded", target: `identity/${id}` }, 100)
    const isWriter = identity.role === "writer"
    const openings = isWriter
      ? await ask(
          { action: "postern.stream.opened,postern.stream.closed", target: `writer/${id}` },
          openingsMax,
          "asc",
        )
      : []
    const wasUsed = newest !== undefined
    usages.set(id, {
      lastUsed: newest?.received,
      neverNeeded: isWriter && wasUsed ? await neverNeeded(identity, ask) : [],
      shared: sharedBy(openings),
      selfApproved: changes.some(({ event }) => dataOf(event).by === id),
    })
  }
  return usages
}

function actsOf({ role, id }: Identity): QueryFields {
  if (role === "writer") return { writer: id }
  return role === "reader" ? { actor: id } : { action: operatorActs, text: id }
}

/** One grant alone was needed if anything was written at all. */
async function neverNeeded(
  { id, grant }: Identity & { role: "writer" },
  ask: (fields: QueryFields) => Promise<LogEntry[]>,
): Promise<string[]> {
  const unused: string[] = []
  for (const [name, member] of [
    ["sources", "source"],
    ["actions", "action"],
  ] as const) {
    if (grant[name].length < 2) continue
    for (const pattern of grant[name]) {
      const value = pattern.replaceAll(",", "\\,")
      if ((await ask({ writer: id, [member]: value })).length === 0)
        unused.push(`${name} ${pattern}`)
    }
  }
  return unused
}

interface Seen {
  readonly certificate: string
  readonly hosts: Set<string>
  readonly first: string
  last: string
}

/** Times of a certificate are from the first stream that it opened to the last that it opened or closed. */
function sharedBy(entries: readonly LogEntry[]): string | undefined {
  const byCertificate = new Map<string, Seen>()
  const byStream = new Map<unknown, Seen>()
  for (const { event, received } of entries) {
    const { stream, certificate, from } = dataOf(event)
    if (event.action === "postern.stream.closed") {
      const seen = byStream.get(stream)
      if (seen !== undefined) seen.last = received
      continue
    }
    const key = String(certificate)
    const seen = byCertificate.get(key) ?? {
      ...{ certificate: key, hosts: new Set<string>(), first: received, last: received },
    }
    seen.last = received
    seen.hosts.add(String(from).replace(/:\d+$/, ""))
    byCertificate.set(key, seen)
    byStream.set(stream, seen)
  }
  const all = [...byCertificate.values()]
  for (const [at, one] of all.entries()) {
    const other = all
      .slice(at + 1)
      .find((two) => two.first < one.last && differ(one.hosts, two.hosts))
    if (other !== undefined) {
      const say = ({ certificate, hosts }: Seen) =>
        `${certificate.slice(0, 16)} from ${[...hosts][0]}`
      return `${say(one)}, ${say(other)}`
    }
  }
  return undefined
}

function differ(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...b].some((host) => !a.has(host))
}

function dataOf(event: LogEntry["event"]): Record<string, unknown> {
  const { data } = event
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {}
}

async function gather(found: AsyncIterable<LogEntry>): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const entry of found) entries.push(entry)
  return entries
}
