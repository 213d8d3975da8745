import type { Place } from "../../../access/index.ts"
import type { FirewallModel, Opening } from "./model.ts"

/** One language of firewalls. Comments begin with `#` in all of them. */
export interface Dialect {
  readonly name: string
  /** One line for a person: what the text is, and how it is loaded. */
  readonly summary: string
  /** Stands before the header, for languages whose first line has a meaning. */
  readonly firstLine?: string
  /** False for a place that cannot be said, or only wider than it is: it stays closed. */
  says(place: Place): boolean
  /** What stands below the header; a line feed at its end. Must close every plane without places, never leave it out. */
  body(openings: readonly Opening[], model: FirewallModel): string
}

export interface Rendering {
  readonly text: string
  /** Who gets no opening, and why; also in the text, as comments. */
  readonly notes: readonly string[]
}
