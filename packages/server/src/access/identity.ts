import { isPosternError, limits } from "@postern/log/base"
import { parseQuery } from "@postern/log/query"
import { z } from "zod"
import { parseCadence } from "./cadence.ts"
import { places } from "./place.ts"
import { revocations } from "./revocation.ts"
import { isSpiffeId } from "./spiffe.ts"
import { words } from "./words.ts"

/** Ways in through the write port; `postern` = postern/1 frames. */
export const adapters = [
  ...(["postern", "http", "kubernetes", "syslog"] as const),
  ...(["otlp", "cloudevents", "records", "teleport"] as const),
] as const
export type Adapter = (typeof adapters)[number]

export const identitiesMax = 10_000
const patternsMax = 1_000

const id = z
  .string()
  .refine(isSpiffeId, "must be a SPIFFE ID such as spiffe://postern.local/writer/app")

/** A `*` anywhere but at the end would look like a wildcard and be none. */
const starAtEnd = (text: string) => !text.slice(0, -1).includes("*")

const source = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= 256, "is longer than 256 bytes")
  .regex(/^[^\p{C}"\\]+$/u, "must not be empty nor hold control characters, quotes or backslashes")
  .refine(starAtEnd, "may hold * at its end only")

const action = z
  .string()
  .regex(/^[a-z0-9._:/-]{0,128}\*?$/, "must be made of a-z 0-9 . _ : / - with * at its end only")
  .min(1, "must not be empty")

const count = (max: number) =>
  z.int().min(1, "must be at least 1").max(max, `must be at most ${max}`)

const patterns = (pattern: z.ZodType<string>) =>
  z
    .array(pattern)
    .min(1, "must name at least one")
    .max(patternsMax, `must name at most ${patternsMax}`)

const writerGrant = z.strictObject({
  adapters: z
    .array(z.enum(adapters, `must be one of ${adapters.join(", ")}`))
    .min(1, "must name at least one")
    .max(adapters.length, "names one twice")
    .refine((list) => new Set(list).size === list.length, "names one twice"),
  sources: patterns(source),
  actions: patterns(action),
  eventsPerSecond: count(1_000_000_000).optional(),
  bytesPerSecond: count(1_000_000_000_000).optional(),
  eventBytes: count(limits.disclosureBytesMax).optional(),
  internal: z.boolean().optional(),
})

const queryCharactersMax = 1024

/** In the language of docs/spec/query.md. The empty one would be an auditor by another name. */
const query = z
  .string()
  .min(1, "must not be empty")
  .max(queryCharactersMax, `is longer than ${queryCharactersMax} characters`)
  .superRefine((text, context) => {
    try {
      if (parseQuery(text).kind !== "all") return
      context.addIssue({ code: "custom", message: "must not be empty" })
    } catch (error) {
      if (!isPosternError(error)) throw error
      context.addIssue({ code: "custom", message: `is no query: ${error.detail}` })
    }
  })

export const readerSees = ["monitor", "investigator", "auditor"] as const

const readerGrant = z
  .strictObject({
    see: z.enum(readerSees, "must be monitor, investigator or auditor"),
    query: query.optional(),
  })
  .superRefine(({ see, query: text }, context) => {
    if ((see === "investigator") === (text !== undefined)) return
    const message = text === undefined ? "is missing" : "is for investigators only"
    context.addIssue({ code: "custom", path: ["query"], message })
  })

/** A day (from its first moment on, UTC) or a moment in UTC; milliseconds since the epoch. */
const expires = z.string().transform((text, context): number => {
  const time = parseExpiry(text)
  if (time !== undefined) return time
  context.addIssue({
    code: "custom",
    message: "must be a day such as 2027-11-22 (or with T00:00:00Z)",
  })
  return z.NEVER
})

/**
 * Undefined for what is not `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ` or does not exist in the
 * calendar.
 */
export function parseExpiry(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)Z)?$/.exec(text)
  if (match === null) return undefined
  const full = `${match[1]}T${match[2] ?? "00:00:00"}.000Z`
  const time = Date.parse(full)
  return Number.isNaN(time) || new Date(time).toISOString() !== full ? undefined : time
}

const cadence = z
  .string()
  .refine((text) => parseCadence(text) !== undefined, "must be a time such as 30s, 10m, 1h or 2d")

const everybody = {
  id,
  owner: words.optional(),
  ticket: words.optional(),
  expires: expires.optional(),
}

/** Whoever comes over the network, and from where; the courier uses a socket of this machine. */
const remote = { ...everybody, from: places.optional() }

const identity = z.discriminatedUnion(
  "role",
  [
    z.strictObject({
      ...remote,
      role: z.literal("writer"),
      cadence: cadence.optional(),
      grant: writerGrant,
    }),
    z.strictObject({
      ...remote,
      role: z.literal("reader"),
      grant: readerGrant,
      breakGlass: z.literal(true).optional(),
    }),
    z.strictObject({ ...remote, role: z.literal("operator") }),
    z.strictObject({ ...everybody, role: z.literal("courier") }),
  ],
  { error: (issue) => (issue.code === "invalid_union" ? roles : undefined) },
)
const roles = "must be writer, reader, operator or courier"

export const accessSchema = z.strictObject({
  identities: z.array(identity).max(identitiesMax, `must name at most ${identitiesMax}`),
  revoked: revocations,
  approvals: z.strictObject({ weakening: count(8) }).optional(),
})

/** One line of the access list, checked; `expires` in milliseconds since the epoch. */
export type Identity = z.output<typeof identity>

/** An identity as it is written in access.yaml. */
export type IdentityText = z.input<typeof identity>
