import type { LogEntry, Reader } from "@postern/client"
import { encodeUtf8, formatHex, PosternError, sha256 } from "@postern/log/base"
import { z } from "zod"
import { applyRevision } from "../../access/index.ts"

/** A text that was in force from an entry on. */
export interface Revision {
  readonly text: string
  /** SHA-256 of the text. */
  readonly digest: string
  /** The entry that says so. */
  readonly index: number
  readonly received: string
  /** `start`, `signal` or the SPIFFE ID of an operator. */
  readonly by: string
  /** Undefined of the one that a life of the port began with. */
  readonly weakens: boolean | undefined
  /** Whether every entry it was rebuilt from is proven. */
  readonly verified: boolean
}

/** Of which text, by the word in the entries' actions. */
export type ReviewedText = "access" | "policy"

const calledBy: Readonly<Record<ReviewedText, string>> = {
  access: "access list",
  policy: "policy",
}

/** Of entries; each is a change of the text since the start of the port, or a part of one. */
const entriesMax = 100_000

const digest = z.string().regex(/^[0-9a-f]{64}$/)
const revisionData = z.object({
  digest,
  previous: digest.optional(),
  from: z.int().min(0),
  to: z.int().min(0),
  text: z.string().optional(),
  parts: z.int().min(2).max(100_000).optional(),
  by: z.string(),
  weakens: z.boolean().optional(),
})
const partData = z.object({ digest, part: z.int().min(0), text: z.string() })

interface Step {
  readonly entry: LogEntry
  readonly data: z.output<typeof revisionData>
  readonly text: string
  readonly verified: boolean
}

/**
 * The texts that the port worked by, newest first; asks only as far back as it is read. Errors: PROOF_INVALID if one cannot
 * be rebuilt to its digest, and those of the reader.
 * @param origin of the log: only the port's own entries count
 * @param at the first one given was in force then
 */
export async function* revisionsOf(
  reader: Pick<Reader, "search">,
  origin: string,
  what: ReviewedText,
  at?: Date,
): AsyncGenerator<Revision, void, undefined> {
  const before = at && { until: new Date(at.getTime() + 1).toISOString() }
  const query = `action:(postern.${what}.loaded OR postern.${what}.part)`
  const found = reader.search(query, { ...before, limit: entriesMax, order: "desc" })
  for await (const life of readLives(found, `postern://${origin}`, what))
    yield* rebuild(life, what).toReversed()
}

/** @param life newest first, back to the whole text that a life of the port begins with */
function rebuild(life: readonly Step[], what: ReviewedText): Revision[] {
  const revisions: Revision[] = []
  let [text, verified] = ["", true]
  for (const { entry, data, text: lines, ...step } of life.toReversed()) {
    const next = applyRevision(text, { from: data.from, to: data.to, text: lines })
    if (next === undefined || formatHex(sha256(encodeUtf8(next))) !== data.digest)
      throw new PosternError(
        "PROOF_INVALID",
        `the ${calledBy[what]} of entry ${entry.index} cannot be rebuilt`,
      )
    text = next
    verified &&= step.verified
    const { index, received } = entry
    const { by, weakens } = data
    revisions.push({ text, digest: data.digest, index, received, by, weakens, verified })
  }
  return revisions
}

/** A change whose text stands in parts, while they are read, last part first. */
interface Waiting {
  readonly entry: LogEntry
  readonly data: Step["data"]
  readonly parts: { readonly text: string; readonly verified: boolean }[]
}

/** The changes of each life of the port, newest first. What is before the first whole text is none. */
async function* readLives(
  entries: AsyncIterable<LogEntry>,
  port: string,
  what: ReviewedText,
): AsyncGenerator<Step[], void, undefined> {
  let steps: Step[] = []
  let waiting: Waiting | undefined
  for await (const entry of entries) {
    if (entry.writer !== port) continue
    if (entry.event.action === `postern.${what}.part`) {
      if (waiting === undefined || !addPart(waiting, entry)) continue
      steps.push(stepOf(waiting))
      waiting = undefined
    } else {
      if (waiting !== undefined) throw missingParts(waiting)
      const data = readData(entry, what)
      const { verified } = entry
      if (data.text === undefined) waiting = { entry, data, parts: [] }
      else steps.push({ entry, data, text: data.text, verified })
    }
    if (waiting !== undefined || steps.at(-1)?.data.previous !== undefined) continue
    if (steps.length > 0) yield steps
    steps = []
  }
  if (waiting !== undefined) throw missingParts(waiting)
  // The oldest one that was asked for names one of before: it cannot be rebuilt, and its digest will say so.
  if (steps.length > 0) yield steps
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

function readData(entry: LogEntry, what: ReviewedText): Step["data"] {
  const result = revisionData.safeParse(entry.event.data)
  if (result.success) return result.data
  throw new PosternError(
    "PROOF_INVALID",
    `entry ${entry.index} does not say which ${calledBy[what]} it is of`,
  )
}
