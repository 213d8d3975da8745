import { PosternError } from "@postern/log/base"
import { z } from "zod"
import type { LogView } from "../../disk/index.ts"
import type { Desk } from "./desk.ts"
import { formatEntry, type ReadEntry, readEntry } from "./entry.ts"
import { isShown, requireShown } from "./joined.ts"
import { makePage } from "./page.ts"
import { index, invalid, limit, parseIndex, time } from "./parameters.ts"
import { type Inclusion, proveInclusion } from "./proofs.ts"
import { firstReceivedSince } from "./received.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"
import { entryAnswerSchema, entryListSchema } from "./schema.ts"

const listQuery = z.strictObject({
  from: index.optional().meta({ description: "First index; 0 if not given" }),
  to: index.optional().meta({ description: "End, exclusive; the end of the log if not given" }),
  since: time.optional().meta({ description: "Received at this time or later" }),
  until: time.optional().meta({ description: "Received before this time" }),
  limit: limit
    .optional()
    .meta({ description: "Entries in the answer; 100 if not given, 1000 at most" }),
})

const showQuery = z.strictObject({
  size: index
    .optional()
    .meta({ description: "Size of the tree to prove in; else the newest checkpoint's" }),
})

/** Entries by index, by range and by the time they were received. */
export function entryRoutes(desk: Desk): Route[] {
  return [
    defineRoute({
      path: "/v1/entries",
      pattern: "/v1/entries",
      operation: "listEntries",
      summary: "Entries of a range of indexes, or of a range of received times",
      see: "investigator",
      query: listQuery,
      answer: { type: "application/json", schema: entryListSchema },
      handle: (question) => list(desk, question),
    }),
    defineRoute({
      path: "/v1/entries/{index}",
      pattern: "/v1/entries/:index",
      operation: "getEntry",
      summary: "One entry with its proof",
      see: "investigator",
      query: showQuery,
      inPath: { index: "Index of the entry" },
      answer: { type: "application/json", schema: entryAnswerSchema },
      handle: (question) => show(desk, question),
    }),
  ]
}

async function list(desk: Desk, question: Question<typeof listQuery>): Promise<Response> {
  const { view, limits } = desk.world
  const { peer, query, text } = question
  const { size } = view.head()
  const range = await resolveRange(view, query, size)
  const facts = { size, from: range.from, to: range.to }
  await desk.ledger.record(peer, { action: "postern.read", what: "entries", question: text, facts })
  const entriesMax = Math.min(query.limit ?? limits.pageEntries, limits.pageEntriesMax)
  const end = Math.min(range.to, range.from + entriesMax)
  const leaves = await view.leaves(range.from, end, limits.pageBytesMax)
  const rows: ReadEntry[] = []
  for (const [i, leaf] of leaves.entries()) {
    const row = readEntry(range.from + i, leaf)
    if (await isShown(desk, question.grant, row)) rows.push(row)
  }
  const page = await makePage(desk, rows)
  const next = range.from + leaves.length
  return jsonResponse({ size, ...range, ...(next < range.to ? { next } : {}), ...page })
}

/** Indexes and times narrow each other; a range that goes beyond the log, or begins before it, is what there is of it. */
async function resolveRange(
  view: LogView,
  query: z.output<typeof listQuery>,
  size: number,
): Promise<{ from: number; to: number }> {
  const { from = 0, to = size, since, until } = query
  if (to < from && query.to !== undefined) throw invalid("to", "is before from")
  if (since !== undefined && until !== undefined && until < since) {
    throw invalid("until", "is before since")
  }
  if (from > size) throw new PosternError("NOT_FOUND", `the log has ${size} entries`)
  const { minimum } = view.head()
  const earliest = since === undefined ? minimum : await firstReceivedSince(view, size, since)
  const latest = until === undefined ? size : await firstReceivedSince(view, size, until)
  // What is not there any more is left out, and the answer says where it begins.
  const start = Math.max(from, earliest, minimum)
  return { from: start, to: Math.max(start, Math.min(to, latest)) }
}

async function show(desk: Desk, question: Question<typeof showQuery>): Promise<Response> {
  const { view } = desk.world
  const { peer, path, query, text } = question
  const at = parseIndex(path.slice("v1/entries/".length))
  const { size } = view.head()
  if (at >= size) throw new PosternError("NOT_FOUND", `the log has ${size} entries`)
  const newest = await desk.checkpoints.newest()
  const treeSize = query.size ?? newest?.size ?? 0
  if (query.size !== undefined && (treeSize <= at || treeSize > size)) {
    throw new PosternError("NOT_FOUND", `no proof of entry ${at} in a tree of ${treeSize}`)
  }
  const facts = { size, index: at }
  await desk.ledger.record(peer, { action: "postern.read", what: "show", question: text, facts })
  const [leaf] = await view.leaves(at, at + 1)
  const entry = readEntry(at, leaf as Uint8Array)
  await requireShown(desk, question.grant, entry)
  const opening = await desk.openings.of(entry)
  const inclusion = await proofIn(view, at, treeSize)
  desk.counters.questions++
  desk.counters.entries++
  return jsonResponse({
    size,
    entry: formatEntry(entry, opening.writer),
    ...(inclusion === undefined ? {} : { inclusion }),
    ...(opening.index === at ? {} : await formatOpening(desk, opening, treeSize)),
    ...(newest === undefined ? {} : { checkpoint: newest.note }),
  })
}

async function formatOpening(desk: Desk, opening: ReadEntry, treeSize: number) {
  const { writer } = await desk.openings.of(opening)
  const openingInclusion = await proofIn(desk.world.view, opening.index, treeSize)
  return {
    opening: formatEntry(opening, writer),
    ...(openingInclusion === undefined ? {} : { openingInclusion }),
  }
}

async function proofIn(view: LogView, at: number, size: number): Promise<Inclusion | undefined> {
  return at < size ? proveInclusion(view, at, size) : undefined
}
