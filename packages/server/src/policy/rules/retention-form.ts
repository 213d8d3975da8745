import { z } from "zod"
import { type ClassName, classNames } from "./class-names.ts"

const daysMax = 36_500

const days = z
  .string()
  .regex(/^[1-9]\d{0,4}d$/, { error: "must be a number of days such as 400d", abort: true })
  .refine((text) => numberOf(text) <= daysMax, `must be at most ${daysMax}d`)

interface Preset {
  readonly keep: number
  readonly hot?: number
  /** Whether classes may go before `keep`: then these do, unless the policy says others. */
  readonly classes?: Readonly<Partial<Record<ClassName, number>>>
}

/** Days (docs/spec/retention.md): each supports a rule's number, and makes nobody compliant. */
const presets: Readonly<Record<string, Preset>> = {
  pci: { keep: 365, hot: 90 },
  hipaa: { keep: 2192 },
  soc2: { keep: 365 },
  m2131: { keep: 913, hot: 365 },
  "gdpr-minimal": { keep: 180, classes: { read: 30, system: 30, change: 90 } },
}

/** What an entry of the port's own says cannot be kept out of it. */
const shortenable = classNames.filter((name) => name !== "log")

/** What stands under `retention` in policy.yaml. */
export const retentionForm = z
  .strictObject({
    preset: z
      .enum(Object.keys(presets), `must be one of ${Object.keys(presets).join(", ")}`)
      .optional(),
    keep: days.optional(),
    hot: days.optional(),
    classes: z
      .partialRecord(z.enum(shortenable, `must be one of ${shortenable.join(", ")}`), days)
      .optional(),
  })
  .superRefine((form, context) => {
    const say = (path: readonly string[], message: string): void =>
      context.addIssue({ code: "custom", path: [...path], message })
    const preset = form.preset === undefined ? undefined : presets[form.preset]
    const keep = form.keep === undefined ? preset?.keep : numberOf(form.keep)
    if (keep === undefined) return say(["keep"], "is needed where there is no preset")
    if (preset !== undefined && keep < preset.keep)
      say(["keep"], `is shorter than the ${preset.keep}d of ${form.preset}`)
    const hot = form.hot === undefined ? preset?.hot : numberOf(form.hot)
    if (hot !== undefined && hot > keep) say(["hot"], `is longer than the ${keep}d of keep`)
    if (hot !== undefined && hot < (preset?.hot ?? 0))
      say(["hot"], `is shorter than the ${preset?.hot}d of ${form.preset}`)
    for (const [name, text] of Object.entries(form.classes ?? {})) {
      if (preset !== undefined && preset.classes === undefined)
        say(["classes", name], `goes before the ${preset.keep}d of ${form.preset}`)
      else if (numberOf(text) >= keep) say(["classes", name], `is not below the ${keep}d of keep`)
    }
  })

export type Retention = z.output<typeof retentionForm>

/** How long what is kept, in days. */
export interface RetentionRule {
  readonly preset: string | undefined
  /** Whole entries. */
  readonly keep: number
  readonly hot: number | undefined
  /** How long the bodies of a class can be read, where that is shorter. */
  readonly classes: ReadonlyMap<ClassName, number>
}

/** What the section says with its preset; undefined where there is none: then everything stays. */
export function retentionRule(form: Retention | undefined): RetentionRule | undefined {
  if (form === undefined) return undefined
  const preset = form.preset === undefined ? undefined : presets[form.preset]
  const said = Object.entries(form.classes ?? {}).map(
    ([name, text]) => [name as ClassName, numberOf(text)] as const,
  )
  const given = Object.entries(preset?.classes ?? {}) as [ClassName, number][]
  return {
    preset: form.preset,
    keep: form.keep === undefined ? (preset?.keep ?? daysMax) : numberOf(form.keep),
    hot: form.hot === undefined ? preset?.hot : numberOf(form.hot),
    classes: new Map([...given, ...said]),
  }
}

/** Classes whose bodies the sieve keeps out of the leaf, so that they can go before the entry does. */
export function shortLivedClasses(rule: RetentionRule | undefined): ReadonlySet<ClassName> {
  return new Set(rule?.classes.keys())
}

/** What a change of the section keeps otherwise than before; to let go sooner weakens. */
export function retentionChanges(
  before: Retention | undefined,
  after: Retention | undefined,
): { readonly text: string; readonly weakens: boolean }[] {
  const [old, now] = [retentionRule(before), retentionRule(after)]
  const lines: { text: string; weakens: boolean }[] = []
  const compare = (what: string, was: number | undefined, is: number | undefined): void => {
    if (was === is) return
    const weakens = (is ?? Number.POSITIVE_INFINITY) < (was ?? Number.POSITIVE_INFINITY)
    lines.push({ text: `${what}: ${said(was)} -> ${said(is)}`, weakens })
  }
  compare("keep", old?.keep, now?.keep)
  for (const name of shortenable) {
    const isNamed = old?.classes.has(name) === true || now?.classes.has(name) === true
    // A class that is not named goes with the entry.
    if (isNamed)
      compare(name, old?.classes.get(name) ?? old?.keep, now?.classes.get(name) ?? now?.keep)
  }
  if (old?.hot !== now?.hot)
    lines.push({ text: `hot: ${old?.hot ?? 0}d -> ${now?.hot ?? 0}d`, weakens: false })
  return lines
}

function said(days: number | undefined): string {
  return days === undefined ? "for ever" : `${days}d`
}

function numberOf(text: string): number {
  return Number(text.slice(0, -1))
}
