import { z } from "zod"
import { hours } from "./hours.ts"
import { type AlertWatch, readyMade, severities } from "./ready-made.ts"
import { span } from "./span.ts"

export const bounds = {
  questions: 256,
  alerts: 64,
  webhooks: 8,
  /** Of the file, in UTF-16 code units. */
  text: 262_144,
  query: 2_000,
} as const

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "must be made of a-z 0-9 and -, at most 64 of them")

const description = z
  .string()
  .max(256, "is longer than 256 characters")
  .regex(/^\P{C}*$/u, "must not hold control characters")
  .optional()

const query = z.string().max(bounds.query, `is longer than ${bounds.query} characters`)
const path = z.string().min(1, "must name a file").max(4096, "is too long for a path")
const watches = Object.keys(readyMade) as AlertWatch[]

const question = z.strictObject({ name, query, description })

const alert = z.strictObject({
  name,
  description,
  watch: z.enum(watches, `must be one of ${watches.join(", ")}`).optional(),
  question: name.optional(),
  query: query.optional(),
  count: z.int().min(1, "must be at least 1").max(1_000_000_000, "is too much").optional(),
  within: span.optional(),
  by: z.enum(["writer", "actor"], "must be writer or actor").optional(),
  severity: z.enum(severities, `must be one of ${severities.join(", ")}`).optional(),
  holdDown: span.optional(),
  clearAfter: span.optional(),
  hours: hours.optional(),
  ownEntries: z.boolean().optional(),
  to: z.array(name).max(bounds.webhooks, `must name at most ${bounds.webhooks}`).optional(),
})

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** https, or http to this machine; no name and password, which would end up in messages about it. */
function isWebhookUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== "" || url.password !== "") return false
  return url.protocol === "https:" || (url.protocol === "http:" && loopback.test(url.hostname))
}

const webhook = z.strictObject({
  name,
  url: z
    .string()
    .max(2000, "is too long")
    .refine(isWebhookUrl, "must be an https URL, or an http URL of this machine"),
  secret: path.optional(),
  ca: path.optional(),
  timeoutSeconds: z.int().min(1, "must be at least 1").max(30, "must be at most 30").default(5),
})

const several = <T>(one: z.ZodType<T>, max: number) =>
  z.array(one).max(max, `must hold at most ${max}`)

export const alertsForm = z.strictObject({
  questions: several(question, bounds.questions).default(() => []),
  alerts: several(alert, bounds.alerts).default(() => []),
  webhooks: several(webhook, bounds.webhooks).default(() => []),
})

export type AlertForm = z.output<typeof alert>
export type QuestionForm = z.output<typeof question>
export type WebhookForm = z.output<typeof webhook>
