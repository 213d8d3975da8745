import type { Span } from "./event-text.ts"

/** What stands instead of [from, to) of an event: raw text; "" = nothing. */
export interface Edit extends Span {
  readonly text: string
}

/** A raw text of which only [from, to) is taken, with its edits: in the order of their places, not overlapping. */
export function splice(raw: string, { from, to }: Span, edits: Iterable<Edit>): string {
  let done = ""
  let at = from
  for (const edit of edits) {
    done += raw.slice(at, edit.from) + edit.text
    at = edit.to
  }
  return done + raw.slice(at, to)
}
