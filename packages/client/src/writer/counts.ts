import type { Delivered } from "./delivery.ts"
import { knownCode } from "./problem.ts"

/** What became of the events of one writer, in numbers. */
export class Counts {
  acked = 0
  refused = 0
  notKept = 0
  altered = 0
  dropped = 0

  /** A batch was answered. @param tell of what the port refused, by code */
  delivered(
    { frame, refused, altered, ack, note }: Delivered,
    tell: (code: ReturnType<typeof knownCode>, detail: string, events: number) => void,
  ): void {
    let refusedHere = 0
    this.altered += altered.length
    for (const { code, hint, positions } of refused) {
      refusedHere += positions.length
      if (code === "EVENT_NOT_KEPT") {
        this.notKept += positions.length
        continue
      }
      this.refused += positions.length
      tell(knownCode(code), `the port refused events: ${code}; ${hint}`, positions.length)
    }
    this.acked += ack === undefined || note === "" ? frame.count - refusedHere : ack.accepted
  }
}
