import type { LogEntry, Reader } from "@postern/client"
import { encodeUtf8, formatHex, PosternError, sha256 } from "@postern/log/base"
import { z } from "zod"
import { type AccessList, applyRevision, parseAccess } from "../../access/index.ts"

export interface ListInForce {
  readonly list: AccessList
  /** The entry that says so. */
  readonly index: number
  readonly received: string
  /** `start`, `signal` or the SPIFFE ID of an operator. */
  readonly by: string
  /** Whether every entry it was rebuilt from is proven. */
  readonly verified: boolean
}

/** Of entries; each is a change of the list since the start of the port, or a part of one. */
const entriesMax = 100_000
const loaded = "postern.access.loaded"
const part = "postern.access.part"

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const revisionData = z.object({
  digest,
  previous: digest.optional(),
  from: z.int().min(0),
  to: z.int().min(0),
  text: z.string().optional(),
  parts: z.int().min(2).max(100_000).optional(),
  by: z.string(),
})
const partData = z.object({ digest, part: z.int().min(0), text: z.string() })

interface Step {
  readonly entry: LogEntry
  readonly data: z.output<typeof revisionData>
  readonly text: string
  readonly verified: boolean
}

/**
 * The list that the port worked by at a time, as the log says; without a time, the newest one. Errors: NOT_FOUND if
 * the log names none, PROOF_INVALID if a text cannot be rebuilt to its digest, and those of the reader.
 * @param origin of the log: only the port's own entries count
 */
export async function accessListAt(
  reader: Pick<Reader, "search">,
  origin: string,
  at: Date | undefined,
): Promise<ListInForce> {
  const before = at && { until: new Date(at.getTime() + 1).toISOString() }
  const query = `action:(${loaded} OR ${part})`
  const found = reader.search(query, { ...before, limit: entriesMax, order: "desc" })
  const steps = await readSteps(found, `postern://${origin}`)
  const newest = steps[0]
  if (newest === undefined) throw new PosternError("NOT_FOUND", "no access list was loaded before")
  let text = ""
  for (const { entry, data, text: lines } of steps.toReversed()) {
    const next = applyRevision(text, { from: data.from, to: data.to, text: lines })
    if (next === undefined || formatHex(sha256(encodeUtf8(next))) !== data.digest)
      throw new PosternError(
        "PROOF_INVALID",
        `the access list of entry ${entry.index} cannot be rebuilt`,
      )
    text = next
  }
  const { index, received } = newest.entry
  const verified = steps.every((step) => step.verified)
  return { list: parseAccess(text), index, received, by: newest.data.by, verified }
}

/** A change whose text stands in parts, while they are read, last part first. */
interface Waiting {
  readonly entry: LogEntry
  readonly data: Step["data"]
  readonly parts: { readonly text: string; readonly verified: boolean }[]
}

/** Newest first, back to the whole list that a life of the port begins with. */
async function readSteps(entries: AsyncIterable<LogEntry>, port: string): Promise<Step[]> {
  const steps: Step[] = []
  let waiting: Waiting | undefined
  for await (const entry of entries) {
    if (entry.writer !== port) continue
    if (entry.event.action === part) {
      if (waiting === undefined || !addPart(waiting, entry)) continue
      steps.push(stepOf(waiting))
      waiting = undefined
    } else {
      if (waiting !== undefined) throw missingParts(waiting)
      const data = readData(entry)
      const { verified } = entry
      if (data.text === undefined) waiting = { entry, data, parts: [] }
      else steps.push({ entry, data, text: data.text, verified })
    }
    if (waiting === undefined && steps.at(-1)?.data.previous === undefined) break
  }
  if (waiting !== undefined) throw missingParts(waiting)
  return steps
}

/** Takes the part if it is the next one, from the last; true once all are there. Parts of a change that a crash cut short belong to none. */
function addPart({ data, parts }: Waiting, { event, verified }: LogEntry): boolean {
  const found = partData.safeParse(event.data).data
  const wanted = (data.parts ?? 0) - parts.length - 1
  if (found?.digest !== data.digest || found.part !== wanted) return false
  parts.push({ text: found.text, verified })
  return wanted === 0
}

function stepOf({ entry, data, parts }: Waiting): Step {
  const text = parts.map((one) => one.text).toReversed()
  return {
    ...{ entry, data, text: text.join("") },
    verified: entry.verified && parts.every((one) => one.verified),
  }
}

function missingParts({ entry }: Waiting): PosternError {
  return new PosternError("PROOF_INVALID", `parts of entry ${entry.index} are missing`)
}

function readData(entry: LogEntry): Step["data"] {
  const result = revisionData.safeParse(entry.event.data)
  if (result.success) return result.data
  throw new PosternError(
    "PROOF_INVALID",
    `entry ${entry.index} does not say which access list it is of`,
  )
}
