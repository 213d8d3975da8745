import { PosternError } from "@postern/log/base"
import { formatQuery, parseQuery } from "@postern/log/query"
import { z } from "zod"
import type { ReaderGrant } from "../../access/index.ts"
import {
  askQuery,
  type EvidenceAsk,
  type EvidencePlan,
  evidenceLines,
  packLines,
  planEvidence,
} from "../../evidence/index.ts"
import type { Desk } from "./desk.ts"
import { readEntry } from "./entry.ts"
import { queryShape, timeShape } from "./filter.ts"
import { joined, mayGoOn, requireShown } from "./joined.ts"
import { index, invalid } from "./parameters.ts"
import { describeFailure } from "./problem.ts"
import { defineRoute, type Question, type Route } from "./route.ts"
import { openTailStream, type TailStream } from "./tail-stream.ts"

const indexesCharactersMax = 12_000

const evidenceQuery = z.strictObject({
  first: index.optional().meta({ description: "A range: index of its first entry" }),
  count: index.optional().meta({ description: "A range: number of entries" }),
  open: index.optional().meta({ description: "A stream: index of the entry that opened it" }),
  stream: z
    .string()
    .regex(/^[0-9a-f]{32}$/, "is not 32 hexadecimal digits")
    .optional()
    .meta({ description: "A stream: its id, 32 hexadecimal digits" }),
  index: z
    .string()
    .max(indexesCharactersMax, "is too long: ask for less at a time")
    .regex(/^(?:0|[1-9][0-9]{0,13})(?:,(?:0|[1-9][0-9]{0,13}))*$/, "is not a list of indexes")
    .optional()
    .meta({ description: "A set of entries: their indexes, separated by commas" }),
  disclosed: z.literal("true").optional().meta({
    description: "With the values that are kept beside the log, as far as they can be had",
  }),
  ...queryShape,
  ...timeShape,
})

type EvidenceQuery = Omit<z.output<typeof evidenceQuery>, "disclosed">

export interface EvidenceAnswers {
  readonly route: Route
  /** Ends all answers that are under way: whoever gets them sees a file that is cut off. */
  close(): Promise<void>
}

/** Evidence files (docs/spec/evidence.md): proofs that leave the house, recorded before they do. */
export function openEvidenceAnswers(desk: Desk): EvidenceAnswers {
  const streams = new Set<TailStream>()
  let making = 0
  const route = defineRoute({
    path: "/v1/evidence",
    pattern: "/v1/evidence",
    operation: "makeEvidence",
    summary:
      "An evidence file: entries, a checkpoint and what ties them together, packed with gzip",
    see: "investigator",
    query: evidenceQuery,
    answer: { type: "application/gzip" },
    async handle(question) {
      if (making >= desk.world.limits.evidenceMax) {
        throw new PosternError("OVERLOADED", `${making} evidence files are being made`)
      }
      making++
      // Given back once: when the answer has ended, or when there is none.
      const ended = () => {
        making--
      }
      try {
        return await giveEvidence(desk, streams, question, ended)
      } catch (error) {
        ended()
        throw error
      }
    },
  })
  async function close(): Promise<void> {
    await Promise.all([...streams].map((stream) => stream.end("drain")))
  }
  return { route, close }
}

async function giveEvidence(
  desk: Desk,
  streams: Set<TailStream>,
  question: Question<typeof evidenceQuery>,
  ended: () => void,
): Promise<Response> {
  const { view, batches } = desk.world
  const { disclosed, ...query } = question.query
  const ask = askWithin(question.grant, askOf(query, question.text))
  const options = disclosed === undefined ? {} : { disclosures: desk.world.disclosures }
  if (ask.kind === "indexes") await requireAllShown(desk, question.grant, ask.indexes)
  const plan = await planEvidence(view, batches, ask, options)
  await record(desk, question, plan)
  const packed = packLines(evidenceLines(view, plan))
  const { peer, grant, cut } = question
  const stream = openTailStream({
    view,
    stuckMs: desk.world.limits.stuckMs,
    cut,
    mayGoOn: () => mayGoOn(grant, desk.world.grantOf(peer)),
    async *frames(pace) {
      for await (const part of packed) {
        if (!pace.mayGoOn()) return
        yield part as Uint8Array
      }
    },
    // What was sent has no end line, so nobody takes it for a whole file.
    failure: (error) => {
      describeFailure(error, desk.world)
      cut?.()
      return ""
    },
    onEnd: async () => {
      streams.delete(stream)
      packed.destroy()
      ended()
    },
  })
  streams.add(stream)
  const headers = {
    "content-type": "application/gzip",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  }
  return new Response(stream.body, { headers })
}

/**
 * What an investigator may have proven: entries that its grant shows, and no range or stream, which are proofs about all that
 * stands in them. The file says which question it answers, so the query of the grant stands in its claim.
 * @throws PosternError NOT_GRANTED
 */
function askWithin(grant: ReaderGrant, ask: EvidenceAsk): EvidenceAsk {
  if (grant.query === undefined || ask.kind === "indexes") return ask
  if (ask.kind !== "query") throw new PosternError("NOT_GRANTED", "auditor is needed for this")
  const asked = formatQuery(joined(grant, parseQuery(ask.asked.query ?? "")))
  return { ...ask, asked: { ...ask.asked, query: asked }, query: joined(grant, ask.query) }
}

/** @throws PosternError NOT_FOUND, which says nothing of the entry */
async function requireAllShown(
  desk: Desk,
  grant: ReaderGrant,
  indexes: readonly number[],
): Promise<void> {
  const { view } = desk.world
  if (grant.query === undefined) return
  for (const at of indexes) {
    const { size } = view.head()
    if (at >= size) throw new PosternError("NOT_FOUND", `the log has ${size} entries`)
    const [leaf] = await view.leaves(at, at + 1)
    await requireShown(desk, grant, readEntry(at, leaf as Uint8Array))
  }
}

/** Exporting is itself an entry, on stable storage before the first byte leaves. */
async function record(
  desk: Desk,
  { peer, text: question }: Question<typeof evidenceQuery>,
  { head, size, disclosed }: EvidencePlan,
): Promise<void> {
  const { evidence: kind, count, claim } = head
  const facts = { kind, size, count, disclosed: disclosed.count, claim: JSON.stringify(claim) }
  await desk.ledger.record(peer, { action: "postern.evidence", what: "evidence", question, facts })
  desk.counters.questions++
  desk.counters.entries += count
}

const shapes = "first and count, open, stream, index, or a query: q, since, until"

/** @throws PosternError REQUEST_INVALID unless it is one question */
function askOf(query: EvidenceQuery, text: string): EvidenceAsk {
  const { first, count, open, stream, index: indexes, ...conditions } = query
  if ((first === undefined) !== (count === undefined)) throw invalid("count", "goes with first")
  const asks: EvidenceAsk[] = []
  if (first !== undefined && count !== undefined) asks.push({ kind: "range", first, count })
  if (open !== undefined) asks.push({ kind: "stream", stream: open })
  if (stream !== undefined) asks.push({ kind: "stream", stream })
  if (indexes !== undefined) {
    asks.push({ kind: "indexes", indexes: indexes.split(",").map(Number) })
  }
  if (Object.values(conditions).some((value) => value !== undefined)) {
    // As it was sent, not as it was read: times in the asker's own spelling.
    const sent = new URL(text, "https://reader").searchParams
    const [q, since, until] = ["q", "since", "until"].map((name) => sent.get(name) ?? undefined)
    asks.push(askQuery({ query: q, since, until }))
  }
  const [ask, ...more] = asks
  if (ask === undefined || more.length > 0) throw invalid("the question", `needs one of: ${shapes}`)
  return ask
}
