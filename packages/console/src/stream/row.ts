import { encodeUtf8 } from "@postern/log/base"
import { parseEntry, parseTime } from "@postern/log/event"
import type { EntryAnswer } from "../api/index.ts"

/** An entry as the list shows it: taken out of its leaf, never out of what the server parsed for us. */
export interface Row {
  readonly index: number
  /** Microseconds, by the port's clock. */
  readonly received: number
  readonly writer: string
  readonly event: Readonly<Record<string, unknown>>
  /** The leaf could not be read: what is shown is the server's word. */
  readonly isDoubtful: boolean
}

export function readRow(answer: EntryAnswer): Row {
  const { index, writer } = answer
  try {
    const { stamp, event } = parseEntry(encodeUtf8(answer.leaf))
    return { index, received: stamp.received, writer, event, isDoubtful: false }
  } catch {
    // Shown, and marked: an entry that is there must not vanish from a list.
    const received = parseTime(answer.received) ?? 0
    return { index, received, writer, event: answer.event ?? {}, isDoubtful: true }
  }
}
