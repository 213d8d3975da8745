import { isPosternError, PosternError } from "@postern/log/base"
import { DigestPlaces } from "@postern/log/event"
import { z } from "zod"
import type { Desk } from "./desk.ts"
import { readEntry } from "./entry.ts"
import { requireShown } from "./joined.ts"
import { parseIndex } from "./parameters.ts"
import { defineRoute, type Question, type Route } from "./route.ts"

const noQuery = z.strictObject({})
const member = z.tuple([z.string(), z.string(), z.unknown()])
const element = z.tuple([z.string(), z.unknown()])

/** A value that is kept beside the log, to whoever may read the entry that names it (docs/spec/disclosures.md). */
export function disclosureRoute(desk: Desk): Route {
  return defineRoute({
    path: "/v1/entries/{index}/disclosures/{digest}",
    pattern: "/v1/entries/:index/disclosures/:digest",
    operation: "getDisclosure",
    summary:
      "A value that is kept beside the log: the JSON array of salt, name and value, of a list's element without a name",
    see: "investigator",
    query: noQuery,
    inPath: {
      index: "Index of the entry",
      digest: "One of the digests in its _sd, or in a value that the policy has sealed",
    },
    answer: { type: "application/json", schema: z.union([member, element]) },
    handle: (question) => disclose(desk, question),
  })
}

async function disclose(desk: Desk, question: Question<typeof noQuery>): Promise<Response> {
  const { view, disclosures } = desk.world
  const { peer, path, text } = question
  const [, , indexText = "", , digest = ""] = path.split("/")
  const index = parseIndex(indexText)
  const { size } = view.head()
  if (index >= size) throw new PosternError("NOT_FOUND", `the log has ${size} entries`)
  const facts = { size, index, digest: digest.slice(0, 64) }
  const read = { action: "postern.read", what: "disclosure", question: text, facts } as const
  await desk.ledger.record(peer, read)
  const [leaf] = await view.leaves(index, index + 1)
  const row = readEntry(index, leaf as Uint8Array)
  await requireShown(desk, question.grant, row)
  if (!(await isNamed(row.entry.event, digest, index, disclosures))) {
    throw new PosternError("NOT_FOUND", `entry ${index} names no such digest`)
  }
  const found = await disclosures.read(digest, index)
  if (found.state === "erased" && found.entry !== undefined)
    throw new PosternError("DISCLOSURE_MISSING", `erased ${found.entry}`)
  if (found.state !== "held") throw new PosternError("DISCLOSURE_MISSING", found.state)
  desk.counters.disclosures++
  return new Response(found.json as Uint8Array<ArrayBuffer>, {
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  })
}

/** Whether the entry names it, or a value of it does that is still there. */
async function isNamed(
  event: Readonly<Record<string, unknown>>,
  digest: string,
  index: number,
  source: Desk["world"]["disclosures"],
): Promise<boolean> {
  const places = new DigestPlaces(event)
  const asked = new Set<string>()
  const next = () => places.digests.find((one) => !asked.has(one))
  while (!places.digests.includes(digest)) {
    const other = places.isDeep ? next() : undefined
    if (other === undefined) return false
    asked.add(other)
    const found = await source.read(other, index)
    if (found.state === "held") takeIfItBelongs(places, found.json)
  }
  return true
}

/** What a writer made need not belong into its event. */
function takeIfItBelongs(places: DigestPlaces, json: Uint8Array): void {
  try {
    places.take(json)
  } catch (error) {
    if (!isPosternError(error)) throw error
  }
}
