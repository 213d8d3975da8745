import { z } from "zod"
import { houseSchemas } from "./house-schema.ts"

/**
 * The shapes of all answers, once: openapi.ts turns them into the document, tests hold every answer against them.
 * Objects are strict: a member that is not described here would be a broken promise too.
 */
const wholeNumber = z.int().min(0)
const hash = z.base64().length(44)
const path = z.array(hash).max(20_000)

const note = z
  .string()
  .meta({ description: "A signed checkpoint (C2SP tlog-checkpoint); check it with the log's key." })

export const entrySchema = z
  .strictObject({
    index: wholeNumber,
    received: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/)
      .meta({ description: "When the port received it, by the port's clock." }),
    writer: z.string().meta({ description: "SPIFFE ID, from the opening entry of the stream." }),
    stream: wholeNumber.meta({ description: "Index of the entry that opened the stream." }),
    sequence: wholeNumber,
    changed: z.literal([1, 2, 3, 4, 5, 6, 7]).optional().meta({
      description:
        "1 = an adapter filled members in, 2 = an adapter wrapped a foreign event, 3 = values were moved beside the log, 4 = the policy changed it; 5, 6, 7 = besides what 1, 2, 3 say.",
    }),
    leaf: z.string().meta({
      description:
        "The leaf of the tree, exact: its UTF-8 bytes are what was hashed. All else follows from it.",
    }),
    event: z.record(z.string(), z.unknown()).meta({ description: "The event, parsed." }),
  })
  .meta({ id: "Entry" })

export const severalProofSchema = z.strictObject({ size: wholeNumber, path }).meta({
  id: "SeveralProof",
  description:
    "One path for all entries and openings of the answer below `size`: walking the tree of that size from its root, left before right, the hash of each largest subtree that holds none of them.",
})

const inclusion = z.strictObject({ index: wholeNumber, size: wholeNumber, path }).meta({
  id: "Inclusion",
  description: "The audit path of RFC 6962 §2.1.1, nearest the leaf first.",
})

const openings = z
  .array(entrySchema)
  .meta({ description: "Opening entries of the streams of `entries`; they name the writers." })

const page = {
  size: wholeNumber.meta({ description: "Entries of the log that this answer is about." }),
  entries: z.array(entrySchema),
  openings,
  neighbours: z
    .array(entrySchema)
    .optional()
    .meta({ description: "The entries next to a range that is shown to be complete." }),
  checkpoint: note.optional(),
  proof: severalProofSchema.optional(),
}

const span = z.strictObject({ from: wholeNumber, to: wholeNumber })
const microseconds = wholeNumber.meta({ description: "Microseconds since 1970-01-01 UTC." })
const indexed = wholeNumber.meta({
  description:
    "Entries of the log that the index holds; what lies beyond is scanned, or not counted.",
})

export const entryListSchema = z
  .strictObject({
    ...page,
    from: wholeNumber.meta({
      description: "First index asked for; times are resolved to indexes.",
    }),
    to: wholeNumber.meta({ description: "End of the range asked for, exclusive." }),
    next: wholeNumber
      .optional()
      .meta({ description: "Where the next page begins, if there is one." }),
  })
  .meta({ id: "EntryList" })

const completenessSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("range"), from: wholeNumber, to: wholeNumber }),
    z.strictObject({
      kind: z.literal("stream"),
      stream: wholeNumber,
      first: wholeNumber,
      last: wholeNumber,
    }),
    z.strictObject({ kind: z.literal("none"), reason: z.string() }),
  ])
  .meta({ id: "Completeness", description: "What shows that the answer leaves nothing out." })

export const searchAnswerSchema = z
  .strictObject({
    ...page,
    order: z.enum(["desc", "asc"]),
    engine: z
      .enum(["index", "scan"])
      .meta({ description: "Whether the index was asked, or the log alone." }),
    indexed,
    scanned: span.meta({ description: "Indexes that were examined for this answer, half-open." }),
    complete: z
      .boolean()
      .meta({ description: "Nothing is left to examine. Otherwise ask again with `cursor`." }),
    cursor: z.string().optional(),
    completeness: completenessSchema.optional(),
  })
  .meta({ id: "SearchAnswer" })

const counted = {
  size: wholeNumber,
  indexed,
  total: wholeNumber.meta({ description: "Entries that fulfil the query." }),
  examined: span.meta({ description: "Indexes that the counts cover, half-open." }),
  complete: z.boolean().meta({ description: "They cover all that was asked for." }),
}

const outcomeCounts = z.record(z.string(), wholeNumber)

export const histogramSchema = z
  .strictObject({
    ...counted,
    since: microseconds,
    until: microseconds,
    interval: microseconds,
    buckets: z
      .array(z.strictObject({ at: microseconds, counts: outcomeCounts }))
      .meta({ description: "By outcome, ascending, without empty ones." }),
  })
  .meta({ id: "Histogram" })

const valueCount = z.strictObject({ value: z.string(), count: wholeNumber })

export const facetsSchema = z
  .strictObject({ ...counted, facets: z.record(z.string(), z.array(valueCount)) })
  .meta({ id: "Facets" })

export const completionSchema = z
  .strictObject({
    from: wholeNumber,
    to: wholeNumber.meta({ description: "A choice takes the place of these characters." }),
    kind: z.enum(["field", "value", "operator"]),
    items: z.array(z.strictObject({ text: z.string(), count: wholeNumber.optional() })),
  })
  .meta({ id: "Completion" })

export const entryAnswerSchema = z
  .strictObject({
    size: wholeNumber,
    entry: entrySchema,
    opening: entrySchema
      .optional()
      .meta({ description: "Absent if the entry opens its own stream." }),
    inclusion: inclusion
      .optional()
      .meta({ description: "Absent while no checkpoint covers the entry." }),
    openingInclusion: inclusion.optional(),
    checkpoint: note.optional(),
  })
  .meta({ id: "EntryAnswer" })

export const inclusionSchema = inclusion

export const consistencySchema = z
  .strictObject({ from: wholeNumber, to: wholeNumber, path })
  .meta({ id: "Consistency", description: "The consistency proof of RFC 6962 §2.1.2." })

export const statusSchema = z
  .strictObject({
    origin: z.string(),
    size: wholeNumber,
    time: z.string().meta({ description: "Commit time of the newest slot." }),
    checkpoint: z.strictObject({ size: wholeNumber }).optional(),
    lag: wholeNumber.meta({ description: "Entries that no checkpoint covers yet." }),
    reader: z.string(),
    see: z.enum(["monitor", "investigator", "auditor"]),
    access: z.string().meta({ description: "SHA-256 of the access list in force." }),
    mirrors: z
      .array(
        z.strictObject({
          reader: z.string(),
          size: wholeNumber.meta({ description: "Entries that it says are synced on its disk." }),
          confirmed: z.string().meta({ description: "When it said so." }),
          connected: z.boolean(),
        }),
      )
      .meta({ description: "Off-host copies, by their own word. None: durable on one disk." }),
  })
  .meta({ id: "Status" })

export const agreementSchema = z
  .strictObject({
    size: wholeNumber,
    agrees: z.boolean().meta({ description: "The log has this root at this size." }),
  })
  .meta({ id: "Agreement" })

export const problemSchema = z
  .strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z.string().meta({ description: "docs/reference/errors.md lists them all." }),
    hint: z.string(),
    detail: z.string().optional(),
    at: wholeNumber.optional().meta({
      description: "Of QUERY_INVALID: where the query is wrong, in UTF-16 code units.",
    }),
    length: wholeNumber.optional(),
    suggestion: z
      .string()
      .optional()
      .meta({ description: "What to write instead of these characters." }),
  })
  .meta({ id: "Problem", description: "RFC 9457." })

/** The data of one server-sent event `checkpoint`. */
export const tailCheckpointSchema = z
  .strictObject({ checkpoint: note, proof: severalProofSchema })
  .meta({ id: "TailCheckpoint" })

export const schemas = {
  Entry: entrySchema,
  SeveralProof: severalProofSchema,
  Inclusion: inclusion,
  EntryList: entryListSchema,
  SearchAnswer: searchAnswerSchema,
  Completeness: completenessSchema,
  Histogram: histogramSchema,
  Facets: facetsSchema,
  Completion: completionSchema,
  EntryAnswer: entryAnswerSchema,
  Consistency: consistencySchema,
  Status: statusSchema,
  Agreement: agreementSchema,
  Problem: problemSchema,
  TailCheckpoint: tailCheckpointSchema,
  ...houseSchemas,
} as const
