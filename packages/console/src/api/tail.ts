import type { EntryAnswer, ProofAnswer } from "./answers.ts"
import { questionText } from "./ask.ts"
import { ProblemError } from "./problem.ts"

export interface TailHandlers {
  onEntry(entry: EntryAnswer): void
  /** Whether the connection stands; while it does not, the browser tries again and goes on where it was. */
  onState(isOpen: boolean): void
  /** The entry that opened a stream, before the first of it. */
  onOpening?(entry: EntryAnswer): void
  /** A path for all that came on this connection, that lies below its size, and that no path came for before. */
  onProof?(proof: ProofAnswer): void
  /** Why it ended for good. */
  onEnd(problem: ProblemError): void
}

/**
 * Entries as they become durable, after the index `after`. A cut leaves neither hole nor repeat: the browser comes back with
 * the last id that it saw. Gives a function that ends it.
 */
export function followTail(q: string, after: number, handlers: TailHandlers): () => void {
  const source = new EventSource(questionText("/v1/tail", { q, after }))
  let newest = after
  source.addEventListener("open", () => handlers.onState(true))
  source.addEventListener("error", () => {
    handlers.onState(false)
    if (source.readyState !== EventSource.CLOSED) return
    // A refusal comes as a page, of which an EventSource tells nothing.
    const title = "The live view was refused or cut off"
    handlers.onEnd(new ProblemError(0, { code: "TAIL_ENDED", title }))
  })
  source.addEventListener("entry", ({ data }) => {
    const entry = JSON.parse(String(data)) as EntryAnswer
    if (entry.index <= newest) return
    newest = entry.index
    handlers.onEntry(entry)
  })
  source.addEventListener("opening", ({ data }) => {
    handlers.onOpening?.(JSON.parse(String(data)) as EntryAnswer)
  })
  source.addEventListener("checkpoint", ({ data }) => {
    handlers.onProof?.(JSON.parse(String(data)) as ProofAnswer)
  })
  source.addEventListener("problem", ({ data }) => {
    source.close()
    handlers.onEnd(new ProblemError(0, JSON.parse(String(data)) as Record<string, unknown>))
  })
  return () => source.close()
}
