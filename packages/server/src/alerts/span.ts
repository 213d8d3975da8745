import { z } from "zod"

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const minMs = 10_000
const maxMs = 31 * unitMs.d

/** A length of time such as `10m`, as milliseconds: 10 seconds to 31 days. */
export const span = z.string().transform((text, context): number => {
  const match = /^([1-9]\d{0,6})([smhd])$/.exec(text)
  const ms = match === null ? 0 : Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  if (ms >= minMs && ms <= maxMs) return ms
  context.addIssue({
    code: "custom",
    message: "must be a time such as 30s, 10m, 1h or 2d, from 10s to 31d",
  })
  return z.NEVER
})
