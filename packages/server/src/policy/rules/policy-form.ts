import { z } from "zod"
import { patternBounds, patternFault } from "../detectors/index.ts"
import { sayableClasses } from "./class-names.ts"
import { actionPattern, conditionsForm } from "./conditions-form.ts"
import { type Pointer, parsePointer, pointerBounds, tooManyDeep } from "./pointer.ts"
import { retentionForm } from "./retention-form.ts"

export const policyBounds = {
  /** Of the file, in UTF-16 code units. */
  text: 262_144,
  rules: 500,
  transforms: 64,
  classPatterns: 1_000,
  patterns: 32,
  allow: 256,
} as const

const name = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, "must be made of a-z 0-9 and -, at most 64 of them")

const pointer = z
  .string()
  .max(pointerBounds.characters, `is longer than ${pointerBounds.characters} characters`)
  .transform((text, context): Pointer => {
    const read = parsePointer(text)
    if (!("wrong" in read)) return read
    context.addIssue({ code: "custom", message: read.wrong })
    return z.NEVER
  })

function refuseDeep(pointers: readonly Pointer[], context: z.RefinementCtx): void {
  const message = tooManyDeep(pointers)
  if (message !== undefined) context.addIssue({ code: "custom", message })
}

const choice = <const T extends readonly string[]>(words: T) =>
  z.enum(words, `must be one of ${words.join(", ")}`)

export const levels = ["full", "request", "metadata", "drop"] as const

export const doings = ["keep", "redact", "hmac", "tokenise", "truncate", "personal"] as const

const transform = z
  .strictObject({
    at: pointer,
    do: choice(doings),
    bytes: z.int().min(16, "must be at least 16").max(65_536, "must be at most 65536").optional(),
    subject: pointer.optional(),
  })
  .superRefine(({ do: doing, bytes, subject }, context) => {
    const say = (member: string, message: string) =>
      context.addIssue({ code: "custom", path: [member], message })
    if (doing === "truncate" && bytes === undefined) say("bytes", "is missing")
    if (doing !== "truncate" && bytes !== undefined) say("bytes", "is for do: truncate only")
    if (doing !== "personal" && subject !== undefined) say("subject", "is for do: personal only")
  })

const rule = z.strictObject({
  name,
  match: conditionsForm.optional(),
  level: choice(levels),
  sample: z
    .number()
    .gt(0, "must be above 0: level: drop keeps nothing")
    .lt(1, "must be below 1: without sample all are kept")
    .optional(),
  deduplicate: z
    .int()
    .min(1, "must be at least 1 (second)")
    .max(3_600, "must be at most 3600 (seconds)")
    .optional(),
  transforms: z
    .array(transform)
    .max(policyBounds.transforms, `must hold at most ${policyBounds.transforms}`)
    .superRefine((list, context) =>
      refuseDeep(
        list.map(({ at }) => at),
        context,
      ),
    )
    .optional(),
})

const classPatterns = z
  .array(actionPattern)
  .min(1, "must name at least one action")
  .max(policyBounds.classPatterns, `must hold at most ${policyBounds.classPatterns}`)
  .optional()

export const packs = ["kubernetes", "vault", "sql", "http"] as const

const hiding = choice(["off", "mark", "hmac", "redact"])

const pattern = z.strictObject({
  name,
  pattern: z
    .string()
    .max(patternBounds.characters, `is longer than ${patternBounds.characters} characters`)
    .superRefine((text, context) => {
      const message = patternFault(text)
      if (message !== undefined) context.addIssue({ code: "custom", message })
    }),
  do: choice(["mark", "hmac", "redact"]),
})

const detect = z.strictObject({
  secrets: hiding.default("hmac"),
  cards: hiding.default("off"),
  accounts: hiding.default("off"),
  contacts: hiding.default("off"),
  addresses: choice(["off", "mark", "truncate", "redact"]).default("off"),
  entropy: hiding.default("off"),
  packs: z
    .array(choice(packs))
    .max(packs.length, "names one twice")
    .refine((list) => new Set(list).size === list.length, "names one twice")
    .default(() => []),
  patterns: z
    .array(pattern)
    .max(policyBounds.patterns, `must hold at most ${policyBounds.patterns}`)
    .default(() => []),
  allow: z
    .array(pointer)
    .max(policyBounds.allow, `must hold at most ${policyBounds.allow}`)
    .superRefine(refuseDeep)
    .default(() => []),
})

const classShape = Object.fromEntries(sayableClasses.map((one) => [one, classPatterns])) as {
  [One in (typeof sayableClasses)[number]]: typeof classPatterns
}

export const policyForm = z.strictObject({
  rules: z
    .array(rule)
    .min(1, "must hold at least one rule; without the file everything is kept as it came")
    .max(policyBounds.rules, `must hold at most ${policyBounds.rules}`),
  classes: z.strictObject(classShape).default(() => ({})),
  detect: detect.optional(),
  retention: retentionForm.optional(),
})

export type RuleForm = z.output<typeof rule>
export type TransformForm = z.output<typeof transform>
export type DetectForm = z.output<typeof detect>
