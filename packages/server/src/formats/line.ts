import type { Format } from "./api.ts"
import { unknownActor } from "./members.ts"

const members = {
  action: "line.record",
  outcome: "unknown",
  actor: unknownActor,
  targets: [],
} as const

/** Any text: nothing in it is read, so nothing is guessed. */
export const line: Format = {
  name: "line",
  title: "any text, a line each",
  of: "lines",
  recognisedBy: "no other format",
  open: () => ({
    take: (original, give) => give({ members, format: "line", original, isJson: false }),
    end: () => undefined,
  }),
}
