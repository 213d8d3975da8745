import { formatBase64, PosternError } from "@postern/log/base"
import { formatTime } from "@postern/log/event"
import { consistencyProof, inclusionProof, type ReadHashes } from "@postern/log/tlog"
import { z } from "zod"
import type { LogView } from "../../disk/index.ts"
import type { Desk } from "./desk.ts"
import { index } from "./parameters.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"
import { consistencySchema, inclusionSchema, statusSchema } from "./schema.ts"

export interface Inclusion {
  readonly index: number
  readonly size: number
  readonly path: readonly string[]
}

const inclusionQuery = z.strictObject({ index, size: index })
const consistencyQuery = z.strictObject({ from: index, to: index })

/** Proofs and the state of the log: what a monitor may ask. Counted, not recorded. */
export function proofRoutes(desk: Desk): Route[] {
  return [
    defineRoute({
      path: "/v1/proof/inclusion",
      pattern: "/v1/proof/inclusion",
      operation: "proveInclusion",
      summary: "The audit path of an entry in the tree of a size",
      see: "monitor",
      query: inclusionQuery,
      answer: { type: "application/json", schema: inclusionSchema },
      handle: (question) => giveInclusion(desk, question),
    }),
    defineRoute({
      path: "/v1/proof/consistency",
      pattern: "/v1/proof/consistency",
      operation: "proveConsistency",
      summary: "The proof that a tree begins with an older one",
      see: "monitor",
      query: consistencyQuery,
      answer: { type: "application/json", schema: consistencySchema },
      handle: (question) => giveConsistency(desk, question),
    }),
    defineRoute({
      path: "/v1/status",
      pattern: "/v1/status",
      operation: "getStatus",
      summary: "How far the log goes, and what the caller may see",
      see: "monitor",
      query: z.strictObject({}),
      answer: { type: "application/json", schema: statusSchema },
      handle: (question) => giveStatus(desk, question),
    }),
  ]
}

async function giveInclusion(
  { world, counters }: Desk,
  { query }: Question<typeof inclusionQuery>,
): Promise<Response> {
  const proof = await proveInclusion(world.view, query.index, query.size)
  counters.proofs++
  return jsonResponse(proof)
}

/** The audit path of an entry, as answers give it. @throws PosternError NOT_FOUND unless index < size <= head */
export async function proveInclusion(
  view: LogView,
  index: number,
  size: number,
): Promise<Inclusion> {
  requireSize(view, size)
  const path = await inclusionProof(index, size, readHashes(view))
  return { index, size, path: path.map(formatBase64) }
}

async function giveConsistency(
  { world, counters }: Desk,
  { query: { from, to } }: Question<typeof consistencyQuery>,
): Promise<Response> {
  requireSize(world.view, to)
  const path = await consistencyProof(from, to, readHashes(world.view))
  counters.proofs++
  return jsonResponse({ from, to, path: path.map(formatBase64) })
}

async function giveStatus(
  { world, checkpoints, mirrors }: Desk,
  { grant }: Question,
): Promise<Response> {
  const published = (await checkpoints.newest())?.size
  const { size, time } = world.view.head()
  return jsonResponse({
    origin: world.view.origin,
    size,
    time: formatTime(time),
    ...(published === undefined ? {} : { checkpoint: { size: published } }),
    lag: size - (published ?? 0),
    reader: grant.id,
    see: grant.see,
    access: world.accessDigest(),
    mirrors: mirrors.states(),
  })
}

function requireSize(view: LogView, size: number): void {
  const { size: head } = view.head()
  if (size > head) throw new PosternError("NOT_FOUND", `the log has ${head} entries, not ${size}`)
}

function readHashes(view: LogView): ReadHashes {
  return (level, from, to) => view.hashes(level, from, to)
}
