import { randomUUID } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { formatQuery, type Query } from "@postern/log/query"
import { z } from "zod"
import { prunedError } from "../../disk/index.ts"
import type { Desk } from "./desk.ts"
import { queryOf, queryShape } from "./filter.ts"
import { mayGoOn } from "./joined.ts"
import { after, parseParameters } from "./parameters.ts"
import { describeFailure, problemOf } from "./problem.ts"
import { defineRoute, type Question, type Route } from "./route.ts"
import { startTailState, type TailState, tailFrames } from "./tail-frames.ts"
import { openTailStream, type TailEnd, type TailStream } from "./tail-stream.ts"

const tailQuery = z.strictObject({
  ...queryShape,
  after: after.optional().meta({
    description: "Index after which to begin, -1 for the whole log; from now on if not given",
  }),
})
const lastEventQuery = z.strictObject({ "Last-Event-ID": after })

export interface Tails {
  readonly route: Route
  /** Ends all tails; resolves when that is recorded. */
  close(): Promise<void>
}

interface OpenTail {
  readonly reader: string
  /** Undefined while its beginning is being recorded. */
  stream: TailStream | undefined
}

/** The live tail: server-sent events, resumed by id without hole or repeat. */
export function openTails(desk: Desk): Tails {
  const tails = new Set<OpenTail>()
  let closing = false
  const route = defineRoute({
    path: "/v1/tail",
    pattern: "/v1/tail",
    operation: "tail",
    summary: "Entries as they become durable, as server-sent events",
    see: "investigator",
    query: tailQuery,
    answer: { type: "text/event-stream" },
    async handle(question) {
      if (closing) throw new PosternError("SHUTTING_DOWN")
      return handleTail(desk, tails, question)
    },
  })
  async function close(): Promise<void> {
    closing = true
    await Promise.all([...tails].map((tail) => tail.stream?.end("drain")))
  }
  return { route, close }
}

async function handleTail(
  desk: Desk,
  tails: Set<OpenTail>,
  question: Question<typeof tailQuery>,
): Promise<Response> {
  const { peer, grant, text } = question
  const query = queryOf(question.query, grant)
  const position = startOf(desk, question)
  // Counted from here on, so that a crowd cannot slip in while records are written.
  const tail = admit(desk, tails, peer.id)
  const id = randomUUID()
  const { q = "" } = question.query
  const facts = { tail: id, from: position, size: desk.world.view.head().size, query: q }
  try {
    const opened = { action: "postern.tail.opened", what: "tail", question: text, facts } as const
    await desk.ledger.record(peer, opened)
  } catch (error) {
    tails.delete(tail)
    throw error
  }
  desk.counters.tails++
  const state = startTailState(position)
  const onEnd = async (end: TailEnd) => {
    tails.delete(tail)
    desk.counters.entries += state.entries
    const counts = { to: state.position, entries: state.entries, end }
    const closed = { action: "postern.tail.closed", what: "tail", question: text } as const
    // The rows have left: a failure here can only be told to the operator, which the ledger has done.
    await desk.ledger
      .record(peer, { ...closed, facts: { tail: id, from: position, ...counts } })
      .catch(() => undefined)
  }
  tail.stream = openStream(desk, question, query, state, onEnd)
  const headers = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // Whoever asked for everything would take the holes for a lie. A query is ASCII or it is encoded: headers are.
    ...(grant.query === undefined
      ? {}
      : { "postern-narrowed": encodeURIComponent(formatQuery(grant.query)) }),
  }
  return new Response(tail.stream.body, { headers })
}

function openStream(
  desk: Desk,
  { peer, grant, cut }: Question,
  query: Query,
  state: TailState,
  onEnd: (end: TailEnd) => Promise<void>,
): TailStream {
  const { world } = desk
  return openTailStream({
    view: world.view,
    stuckMs: world.limits.stuckMs,
    cut,
    mayGoOn: () => mayGoOn(grant, world.grantOf(peer)),
    frames: (pace) => tailFrames(desk, query, state, pace),
    failure: (error) => {
      const problem = problemOf(describeFailure(error, world))
      return `event: problem\ndata: ${JSON.stringify(problem)}\n\n`
    },
    onEnd,
  })
}

/** Index of the first entry to examine: after the one that the viewer saw last, else from now on. */
function startOf({ world }: Desk, question: Question<typeof tailQuery>): number {
  const { size, minimum } = world.view.head()
  const seen = lastSeen(question)
  if (seen !== undefined && seen >= size) {
    throw new PosternError(
      "NOT_FOUND",
      `the log has ${size} entries, nobody has seen entry ${seen}`,
    )
  }
  if (seen === undefined) return size
  // Whoever has seen some of it is told of the hole; whoever wants all gets what there is.
  if (seen >= 0 && seen + 1 < minimum) throw prunedError(seen + 1, minimum)
  return Math.max(seen + 1, minimum)
}

/** The header wins: a viewer that reconnects repeats its first request, `after` included. */
function lastSeen({ query, lastEventId }: Question<typeof tailQuery>): number | undefined {
  if (lastEventId === undefined) return query.after
  const given = new URLSearchParams([["Last-Event-ID", lastEventId]])
  return parseParameters(given, lastEventQuery)["Last-Event-ID"]
}

function admit({ world: { limits } }: Desk, tails: Set<OpenTail>, reader: string): OpenTail {
  const own = [...tails].filter((tail) => tail.reader === reader).length
  if (tails.size >= limits.tailsMax || own >= limits.tailsPerReaderMax) {
    throw new PosternError("OVERLOADED", `${tails.size} tails are open, ${own} of them yours`)
  }
  const tail = { reader, stream: undefined }
  tails.add(tail)
  return tail
}
