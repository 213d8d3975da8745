import { z } from "zod"

export const bounds = {
  /** Of the file, in UTF-16 code units. */
  text: 65_536,
  members: 64,
  table: 1_000,
} as const

/** Of `data`, what the room itself writes there. */
const reserved = ["format", "line", "bytes", "timeZone", "syslog", "contents"]

const pointer = z
  .string()
  .max(512, "is longer than 512 characters")
  .regex(/^(?:\/(?:[^~/]|~[01])*)+$/, "must be a JSON pointer, such as /user/name")
const constant = z.string().min(1, "must not be empty").max(256, "is longer than 256 characters")

/** A member's text, by a table if there is one; what the table does not have is as it stands there, or `otherwise`. */
function looked<T extends z.ZodType<string>>(value: T) {
  const words = z.record(z.string().max(256), value)
  return z.strictObject({
    at: pointer,
    table: words
      .refine((table) => Object.keys(table).length <= bounds.table, `holds over ${bounds.table}`)
      .optional(),
    otherwise: value.optional(),
  })
}

const from = z.union([pointer, looked(constant), z.strictObject({ value: constant })], {
  error: "must be a JSON pointer, {at, table, otherwise} or {value}",
})

const outcome = z.enum(
  ["success", "failure", "denied", "error", "unknown"],
  "must be success, failure, denied, error or unknown",
)
const outcomeFrom = z.union([pointer, looked(outcome), z.strictObject({ value: outcome })], {
  error: "must be a JSON pointer, {at, table, otherwise} or {value}, of outcomes",
})

const units = ["seconds", "milliseconds", "microseconds", "nanoseconds"] as const
const timeFrom = z.union([pointer, z.strictObject({ at: pointer, unit: z.enum(units) })], {
  error:
    "must be a JSON pointer, or {at, unit} with seconds, milliseconds, microseconds or nanoseconds",
})

const party = z.strictObject({ type: from, id: from, name: from.optional() })
const memberName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, "must be made of A-Z a-z 0-9 _ and -")
const several = (names: z.ZodType<string>) =>
  z
    .record(names, from)
    .refine((named) => Object.keys(named).length <= bounds.members, `holds over ${bounds.members}`)

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, "must be made of a-z 0-9 and -, at most 32 of them")
  .refine((text) => !reserved.includes(text), "is taken")

/** A mapping file: a format of JSON objects without code. */
export const mappingForm = z.strictObject({
  name,
  title: z.string().max(120, "is longer than 120 characters").optional(),
  prefix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, "must be made of a-z 0-9 _ and -, at most 32 of them")
    .optional(),
  id: from.optional(),
  time: timeFrom.optional(),
  action: from,
  outcome: outcomeFrom.optional(),
  actor: party.optional(),
  onBehalfOf: z.array(party).max(16, "holds over 16").optional(),
  targets: z.array(party).max(16, "holds over 16").optional(),
  category: from.optional(),
  op: from.optional(),
  severity: from.optional(),
  reason: several(memberName).optional(),
  origin: several(memberName).optional(),
  trace: z
    .strictObject({
      pairId: from,
      phase: z
        .strictObject({
          at: pointer,
          table: z.record(z.string().max(256), z.enum(["attempt", "result", "single"])),
        })
        .optional(),
    })
    .optional(),
  data: several(memberName.refine((text) => !reserved.includes(text), "is taken")).optional(),
})

export type MappingForm = z.output<typeof mappingForm>
export type From = z.output<typeof from>
export type TimeFrom = z.output<typeof timeFrom>
