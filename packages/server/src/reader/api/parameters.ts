import { limits, PosternError } from "@postern/log/base"
import { nearestName, parseTime } from "@postern/log/event"
import { z } from "zod"

const textMax = 1024

/** An index or a size: canonical decimal below 10^14. */
export const index = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,13})$/, "is not a whole number below 10^14 in plain digits")
  .transform(Number)
  .meta({ example: "4711" })

/** As `index`, and -1 for "before the first entry". */
export const after = z
  .string()
  .regex(/^(?:-1|0|[1-9][0-9]{0,13})$/, "is not an index, and not -1")
  .transform(Number)
  .meta({ example: "4711" })

export const limit = z
  .string()
  .regex(/^[1-9][0-9]{0,3}$/, "is not a whole number from 1")
  .transform(Number)
  .meta({ example: "100" })

/** A whole number in `[min, max]`. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,8})$/, "is not a whole number in plain digits")
    .transform(Number)
    .refine((number) => number >= min && number <= max, `is not between ${min} and ${max}`)
    .meta({ example: String(min) })
}

/** RFC 3339; microseconds since the epoch once it is read. */
export const time = z
  .string()
  .max(35, "is too long for a time")
  .transform((text, context): number => {
    const microseconds = parseTime(text)
    if (microseconds !== undefined) return microseconds
    context.addIssue({ code: "custom", message: "is not a time such as 2026-11-22T12:00:00Z" })
    return z.NEVER
  })
  .meta({ format: "date-time", example: "2026-11-22T12:00:00Z" })

export const text = z.string().min(1, "is empty").max(textMax, `is longer than ${textMax}`)

/**
 * The query of a URL, strictly: a parameter that is unknown or stands twice is refused, not ignored, since
 * a filter that is silently dropped would answer another question than the one that was asked.
 * @throws PosternError REQUEST_INVALID, naming the parameter
 */
export function parseParameters<S extends z.ZodObject>(
  query: URLSearchParams,
  schema: S,
): z.output<S> {
  const given: Record<string, string> = {}
  for (const [name, value] of query) {
    if (!Object.hasOwn(schema.shape, name)) throw unknown(name, Object.keys(schema.shape))
    if (Object.hasOwn(given, name)) throw invalid(name, "stands twice")
    given[name] = value
  }
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = String(issue?.path[0] ?? "query")
  throw invalid(name, Object.hasOwn(given, name) ? (issue?.message ?? "") : "is missing")
}

/** Indexes and sizes of the path of a URL. @throws PosternError REQUEST_INVALID */
export function parseIndex(text: string): number {
  const parsed = index.safeParse(text)
  if (!parsed.success || parsed.data > limits.sequenceMax) throw invalid("index", "is not an index")
  return parsed.data
}

export function invalid(name: string, message: string): PosternError {
  return new PosternError("REQUEST_INVALID", `${name} ${message}`)
}

function unknown(name: string, known: readonly string[]): PosternError {
  const meant = nearestName(name, known)
  const hint = meant === undefined ? "is unknown here" : `is unknown here; did you mean ${meant}?`
  return invalid(quote(name), hint)
}

/** Names come from the peer: only their printable beginning is repeated. */
function quote(name: string): string {
  return JSON.stringify(name.slice(0, 40))
}
