import { z } from "zod"

const count = z.int().min(0)

const figures = {
  events: count.meta({ description: "That it decided about." }),
  did: z.record(z.string(), count).meta({
    description: "In how many of them what was done: dropped, sampled, deduplicated, cut, hmac …",
  }),
  bytesSaved: z.int().meta({ description: "That the log is shorter by; below 0 if longer." }),
}

const rule = z.strictObject({
  name: z.string(),
  match: z.record(z.string(), z.unknown()).meta({ description: "As in policy.yaml, lists." }),
  level: z.enum(["full", "request", "metadata", "drop"]),
  sample: z.number().nullable(),
  deduplicate: z.number().nullable().meta({ description: "Seconds." }),
  transforms: z.array(
    z.strictObject({
      at: z.string(),
      do: z.string(),
      bytes: count.optional(),
      subject: z.string().optional(),
    }),
  ),
  figures: z
    .strictObject(figures)
    .nullable()
    .meta({ description: "Since the start of the port; null if it does not answer." }),
})

const detect = z.strictObject({
  groups: z.record(z.string(), z.string()),
  packs: z.array(z.string()),
  patterns: z.array(z.strictObject({ name: z.string(), pattern: z.string(), do: z.string() })),
  allow: z.array(z.string()),
})

export const policySchema = z
  .strictObject({
    policy: z
      .strictObject({
        digest: z.string(),
        rules: z.array(rule).meta({ description: "The first that matches decides." }),
        unmatched: z.string().meta({ description: "The level of what no rule matches." }),
        classes: z.record(z.string(), z.array(z.string())),
        detect: detect.nullable(),
      })
      .nullable()
      .meta({ description: "Null if the port has left none that this version can read." }),
    refused: z
      .string()
      .nullable()
      .meta({ description: "Why the newest policy is not in force; null if it is." }),
    besides: z.array(z.strictObject({ rule: z.string(), ...figures })).meta({
      description: "What rules did that are not in the policy any more, or no rule: (none).",
    }),
    detected: z
      .array(z.strictObject({ writer: z.string(), detector: z.string(), events: count }))
      .nullable()
      .meta({ description: "Events in which detectors found something, most first." }),
  })
  .meta({ id: "Policy" })
