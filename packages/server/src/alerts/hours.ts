import { z } from "zod"

const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const
const working = ["mon", "tue", "wed", "thu", "fri"] as const

const clockTime = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time such as "08:00", in quotes')

/** When people work: on these days, from the one time to the other, by the clocks of a time zone. */
export const hours = z
  .strictObject({
    zone: z.string().max(64).refine(isZone, "must be a time zone such as Europe/Berlin or UTC"),
    days: z
      .array(z.enum(days, `must be one of ${days.join(", ")}`))
      .min(1, "must name at least one day")
      .max(7, "names a day twice")
      .default(() => [...working]),
    from: clockTime,
    to: clockTime,
  })
  .refine(({ from, to }) => from < to, "hours.from must be before hours.to")

export type Hours = z.output<typeof hours>

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: zone }).resolvedOptions().timeZone !== ""
  } catch {
    return false // RangeError: no such zone.
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** @param timeMs milliseconds since the epoch */
export function isWithinHours({ zone, days: on, from, to }: Hours, timeMs: number): boolean {
  const parts = formatOf(zone).formatToParts(timeMs)
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? ""
  const day = part("weekday").toLowerCase()
  const time = `${part("hour")}:${part("minute")}`
  return on.some((one) => one === day) && time >= from && time < to
}

/** Making one takes a thousand times as long as using it; there are as many as zones in alerts.yaml. */
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    const fields = { weekday: "short", hour: "2-digit", minute: "2-digit" } as const
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...fields })
    formats.set(zone, format)
  }
  return format
}
