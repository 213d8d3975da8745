import { useKept, zone } from "../kept/index.ts"
import { exactMoment, formatAge, formatMoment } from "./text.ts"

/** A time in the zone that was chosen; both zones and all digits on hover. `at` in microseconds since 1970. */
export function Moment({
  at,
  digits = "ms",
}: {
  readonly at: number
  readonly digits?: "s" | "ms" | "µs"
}) {
  const chosen = useKept(zone)
  return (
    <time className="tabular" title={exactMoment(at)}>
      {formatMoment(at, chosen, digits)}
    </time>
  )
}

/** How long ago; the exact time on hover. */
export function Age({ at }: { readonly at: number }) {
  return (
    <time className="tabular" title={exactMoment(at)}>
      {formatAge(at, Date.now() * 1000)}
    </time>
  )
}
