import { z } from "zod"
import { policySchema } from "./policy-schema.ts"

/** The shapes of what the read API says of the house: writers, port, access, log. */
const wholeNumber = z.int().min(0)
const time = wholeNumber.meta({ description: "Microseconds since the epoch." })
const id = z.string().meta({ description: "SPIFFE ID." })
const complete = z.boolean().meta({
  description: "False while the reader, after its start, has not read the log to its end yet.",
})

const writerGrant = z.strictObject({
  adapters: z.array(z.string()),
  sources: z.array(z.string()),
  actions: z.array(z.string()),
  eventsPerSecond: wholeNumber.optional(),
  bytesPerSecond: wholeNumber.optional(),
  eventBytes: wholeNumber.optional(),
  internal: z.boolean().optional(),
})

export const writersSchema = z
  .strictObject({
    complete,
    writers: z.array(
      z.strictObject({
        id,
        lastSeen: time.nullable(),
        entries: wholeNumber,
        perHour: z.array(wholeNumber).length(24).meta({
          description: "Entries in each of the last 24 hours by the clock, oldest first.",
        }),
        gaps: wholeNumber.meta({ description: "Entries that say that events are missing." }),
        losses: wholeNumber.meta({
          description: "Events known not to be there: those of gaps, and refused ones.",
        }),
        silent: z.boolean().meta({ description: "It sent nothing for longer than its cadence." }),
        streams: wholeNumber.meta({ description: "Streams that are open." }),
        certificate: z
          .strictObject({
            serial: z.string(),
            notAfter: time,
            lifeUsed: z.number().min(0).max(1),
          })
          .nullable()
          .meta({ description: "That it came with last; null if the log does not say." }),
        grant: writerGrant.nullable().meta({ description: "Null if no line names it any more." }),
        owner: z.string().nullable(),
        expires: time.nullable(),
        addresses: z
          .array(z.string())
          .meta({ description: "Hosts it opened streams from, newest last, 16 at most." }),
      }),
    ),
  })
  .meta({ id: "Writers" })

const disk = z
  .strictObject({
    usedBytes: wholeNumber.meta({ description: "Of the log." }),
    freeBytes: wholeNumber.meta({ description: "On its file system." }),
    fullAt: time
      .nullable()
      .meta({ description: "If it grows on as in the last 24 hours; null if it does not grow." }),
  })
  .meta({ id: "Disk" })

const witnesses = z
  .array(
    z.strictObject({
      name: z.string(),
      size: wholeNumber,
      at: time.meta({ description: "When it said so, by its own clock." }),
      age: z.number().meta({ description: "Seconds since then, by this machine's clock." }),
    }),
  )
  .meta({
    description:
      "Whose cosignatures stand under the newest witnessed checkpoint. Names are as in the note: their keys are the caller's to check.",
  })

export const portSchema = z
  .strictObject({
    complete,
    doctor: z.strictObject({
      at: time.nullable(),
      checks: z.array(
        z.strictObject({
          id: z.string(),
          severity: z.string(),
          status: z.string().meta({ description: "ok, warn, fail or unknown." }),
          evidence: z.string(),
          fix: z.string(),
        }),
      ),
    }),
    ready: z
      .strictObject({ ok: z.boolean(), lines: z.array(z.string()) })
      .nullable()
      .meta({ description: "What /readyz?verbose says; null if the port does not answer." }),
    sessions: wholeNumber.nullable(),
    refusals: z.array(z.strictObject({ code: z.string(), count: wholeNumber, last: time })),
    ackMs: z
      .strictObject({ p50: z.number(), p99: z.number() })
      .nullable()
      .meta({ description: "From the sealing of a slot to its acks, in milliseconds." }),
    disk: disk.nullable(),
    witnesses,
  })
  .meta({ id: "Port" })

export const accessSchema = z
  .strictObject({
    complete,
    digest: z.string(),
    identities: z.array(
      z.strictObject({
        id,
        role: z.enum(["writer", "reader", "operator", "courier"]),
        grant: z
          .union([
            writerGrant,
            z.strictObject({
              see: z.enum(["monitor", "investigator", "auditor"]),
              query: z.string().optional(),
            }),
          ])
          .nullable(),
        owner: z.string().nullable(),
        reason: z.string().nullable().meta({ description: "The ticket of its line." }),
        expires: time.nullable(),
        lastSeen: time.nullable(),
        flags: z
          .array(z.enum(["expired", "expires soon", "ownerless", "wildcard", "unused"]))
          .meta({ description: "What a review would ask about." }),
      }),
    ),
    revoked: z.array(
      z.strictObject({
        serial: z.string().optional(),
        key: z.string().optional(),
        reason: z.string().optional(),
      }),
    ),
    review: z
      .strictObject({
        due: z.string().nullable(),
        state: z.enum(["ok", "due", "overdue", "open"]),
        answered: wholeNumber,
        of: wholeNumber,
      })
      .nullable(),
  })
  .meta({ id: "Access" })

export const logSchema = z
  .strictObject({
    origin: z.string(),
    size: wholeNumber,
    minimum: wholeNumber.optional().meta({
      description: "Index of the first entry that is there; 0 if not given.",
    }),
    checkpoint: z.string().nullable().meta({ description: "The newest signed checkpoint." }),
    vkey: z.string().nullable(),
    keys: z
      .array(
        z.strictObject({
          vkey: z.string(),
          from: wholeNumber,
          to: wholeNumber.nullable().meta({ description: "Null: it signs to this day." }),
        }),
      )
      .meta({
        description:
          "Which key signed trees of which sizes, by the log's own word; /v1/keys has the proofs.",
      }),
    witnesses,
    segments: z.array(
      z.strictObject({ first: wholeNumber, entries: wholeNumber, bytes: wholeNumber }),
    ),
    disk: disk.nullable(),
  })
  .meta({ id: "Log" })

export const alertsSchema = z
  .strictObject({
    questions: z.array(
      z.strictObject({ name: z.string(), query: z.string(), description: z.string() }),
    ),
    alerts: z.array(
      z.strictObject({
        name: z.string(),
        severity: z.enum(["low", "medium", "high", "critical"]),
        query: z.string(),
        threshold: wholeNumber,
        window: z.number().meta({ description: "Seconds." }),
        state: z.enum(["clear", "raised"]),
        since: time.nullable(),
        count: wholeNumber.meta({ description: "Matches since it was raised." }),
        delivered: z
          .strictObject({
            at: time,
            webhook: z.string(),
            outcome: z.enum(["taken", "failed"]),
            detail: z.string(),
          })
          .nullable()
          .meta({ description: "How its last notification fared." }),
      }),
    ),
  })
  .meta({ id: "Alerts" })

export const alertTestSchema = z
  .strictObject({
    results: z.array(
      z.strictObject({
        webhook: z.string(),
        status: z.int().nullable().meta({ description: "HTTP; null if there was no answer." }),
        answer: z.string().meta({ description: "Text of the receiver, or why there is none." }),
      }),
    ),
  })
  .meta({ id: "AlertTest" })

export const houseSchemas = {
  Policy: policySchema,
  Alerts: alertsSchema,
  AlertTest: alertTestSchema,
  Writers: writersSchema,
  Port: portSchema,
  Access: accessSchema,
  Log: logSchema,
  Disk: disk,
} as const
