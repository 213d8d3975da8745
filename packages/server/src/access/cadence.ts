import type { Identity } from "./identity.ts"

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const minMs = 10_000
const maxMs = 31 * unitMs.d

/** How often a writer is expected to send something, e.g. `10m`: a number and s, m, h or d; 10 seconds to 31 days. Milliseconds, or undefined. */
export function parseCadence(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text)
  if (match === null) return undefined
  const ms = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  return ms >= minMs && ms <= maxMs ? ms : undefined
}

/** A writer that is missed when it says nothing. */
export interface ExpectedWriter {
  readonly id: string
  /** As it stands in the access list. */
  readonly cadence: string
  readonly cadenceMs: number
}

/** The writers with a cadence whose grant is good at `nowMs`. */
export function expectedWriters(
  identities: readonly Identity[],
  nowMs: number,
): readonly ExpectedWriter[] {
  return identities.flatMap((identity) => {
    if (identity.role !== "writer" || identity.cadence === undefined) return []
    const { id, cadence, expires = Number.POSITIVE_INFINITY } = identity
    const cadenceMs = parseCadence(cadence)
    return cadenceMs === undefined || nowMs >= expires ? [] : [{ id, cadence, cadenceMs }]
  })
}
