import { limits } from "@postern/log/base"
import { z } from "zod"
import { adapters } from "../../access/index.ts"
import { classNames } from "./class-names.ts"
import { forEditors } from "./for-editors.ts"

export const conditionBounds = { values: 1_000, characters: 2_048 } as const

export const outcomes = ["success", "failure", "denied", "error", "unknown"] as const

/** A `*` anywhere but at the end would look like a wildcard and be none. */
const starAtEnd = (text: string) => !text.slice(0, -1).includes("*")

const text = z
  .string()
  .min(1, "must not be empty")
  .max(conditionBounds.characters, `is longer than ${conditionBounds.characters} characters`)
  .refine(starAtEnd, "may hold * at its end only")

export const actionPattern = z
  .string()
  .min(1, "must not be empty")
  .regex(/^[a-z0-9._:/-]{0,128}\*?$/, "must be made of a-z 0-9 . _ : / - with * at its end only")

const typedId = z
  .string()
  .max(conditionBounds.characters, `is longer than ${conditionBounds.characters} characters`)
  .regex(
    /^[^:*]*\*?:[^*]*\*?$/,
    "must be TYPE:ID such as user:alice, either side with * at its end only",
  )
  .refine((value) => !/^:|:$/.test(value), "needs something on either side of the colon, such as *")

const choice = <const T extends readonly string[]>(words: T) =>
  z.enum(words, `must be one of ${words.join(", ")}`)

/** One value or a list of them, always as a list. Whatever is wrong with a value of a list is said at its own place. */
function oneOrMore<T>(one: z.ZodType<T>) {
  const list = { type: "array", minItems: 1, maxItems: conditionBounds.values }
  const schema = { anyOf: [forEditors(one), { ...list, items: forEditors(one) }] }
  return z
    .unknown()
    .meta(schema)
    .transform((raw, context): readonly T[] => {
      const values: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
      if (values.length === 0 || values.length > conditionBounds.values) {
        const message = `must name 1 to ${conditionBounds.values}`
        context.addIssue({ code: "custom", message })
        return z.NEVER
      }
      return values.flatMap((value, index) => {
        const result = one.safeParse(value)
        if (result.success) return [result.data]
        for (const issue of result.error.issues)
          context.addIssue({ ...issue, path: Array.isArray(raw) ? [index, ...issue.path] : [] })
        return []
      })
    })
}

const bytes = z
  .int()
  .min(0, "must not be negative")
  .max(limits.disclosureBytesMax, `must be at most ${limits.disclosureBytesMax}`)

const size = z
  .strictObject({ min: bytes.optional(), max: bytes.optional() })
  .superRefine(({ min, max }, context) => {
    const isEmpty = min === undefined && max === undefined
    const message = isEmpty ? "needs min, max or both" : "min is above max: no event has that size"
    if (isEmpty || (min ?? 0) > (max ?? Number.POSITIVE_INFINITY))
      context.addIssue({ code: "custom", message })
  })

export const conditionsForm = z.strictObject({
  adapter: oneOrMore(choice(adapters)).optional(),
  class: oneOrMore(choice(classNames)).optional(),
  outcome: oneOrMore(choice(outcomes)).optional(),
  writer: oneOrMore(text).optional(),
  source: oneOrMore(text).optional(),
  action: oneOrMore(actionPattern).optional(),
  category: oneOrMore(text).optional(),
  op: oneOrMore(text).optional(),
  severity: oneOrMore(text).optional(),
  tenant: oneOrMore(text).optional(),
  actor: oneOrMore(typedId).optional(),
  target: oneOrMore(typedId).optional(),
  size: size.optional(),
})

/** Conditions as they are written, each as a list. */
export type Conditions = z.output<typeof conditionsForm>
