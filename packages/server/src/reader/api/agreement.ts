import { equalBytes, PosternError, parseHex } from "@postern/log/base"
import { treeRoot } from "@postern/log/tlog"
import { z } from "zod"
import type { Desk } from "./desk.ts"
import type { MirrorSession } from "./mirrors.ts"
import { index } from "./parameters.ts"
import { defineRoute, jsonResponse, type Question, type Route } from "./route.ts"
import { agreementSchema } from "./schema.ts"

const agreementQuery = z.strictObject({
  session: z.uuid().meta({ description: "`session` of the open answer of /v1/log/slots" }),
  size: index.meta({ description: "Entries that are synced on the mirror's disk" }),
  root: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "is not 64 lower-case hex digits")
    .meta({ description: "Root of the mirror's own tree at that size" }),
})

const recordEveryMs = 60_000

/** A mirror asks whether its tree is ours; if so, that is its word that it holds as much (docs/spec/mirror.md). */
export function agreementRoute(desk: Desk): Route {
  const recorded = new WeakMap<MirrorSession, number>()
  return defineRoute({
    path: "/v1/log/agreement",
    pattern: "/v1/log/agreement",
    operation: "confirmMirror",
    summary: "Whether the log has this root at this size; a mirror confirms its copy with it",
    see: "auditor",
    query: agreementQuery,
    answer: { type: "application/json", schema: agreementSchema },
    handle: (question) => giveAgreement(desk, recorded, question),
  })
}

async function giveAgreement(
  desk: Desk,
  recorded: WeakMap<MirrorSession, number>,
  { peer, query, text }: Question<typeof agreementQuery>,
): Promise<Response> {
  const { view, now } = desk.world
  const { size } = query
  const session = desk.mirrors.session(peer.id, query.session)
  const head = view.head()
  if (size > head.size) throw new PosternError("NOT_FOUND", `the log has ${head.size} entries`)
  const root = await treeRoot(size, (level, from, to) => view.hashes(level, from, to))
  const agrees = equalBytes(root, parseHex(query.root) ?? new Uint8Array(0))
  desk.counters.proofs++
  if (!agrees) {
    const facts = { reader: peer.id, size }
    desk.world.log("a mirror holds another history of this log", facts)
    return jsonResponse({ size, agrees })
  }
  const time = now()
  if (time - (recorded.get(session) ?? Number.NEGATIVE_INFINITY) >= recordEveryMs) {
    recorded.set(session, time)
    const facts = { session: session.id, size }
    const confirmed = { action: "postern.mirror.confirmed", what: "slots", question: text } as const
    await desk.ledger.record(peer, { ...confirmed, facts })
  }
  desk.mirrors.confirm(session, size)
  return jsonResponse({ size, agrees })
}
