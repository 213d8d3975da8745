import { openReader } from "@postern/client"
import type { Place } from "./prepare.ts"
import type { ShownEntry } from "./story.ts"

export interface Tail {
  /** Resolves when every entry below `size` has been shown. */
  reached(size: number): Promise<void>
}

/** Follows the log over the read port, as an auditor's terminal would, verified. */
export function startTail(
  place: Place,
  signal: AbortSignal,
  show: (entry: ShownEntry) => void,
): Tail {
  const waiting: { size: number; resolve: () => void }[] = []
  let shown = 0
  const follow = async (): Promise<void> => {
    const reader = await openReader(place.profiles.reader)
    for await (const entry of reader.tail("", { signal })) {
      shown = entry.index + 1
      const { action, outcome, actor, targets } = entry.event as unknown as ShownEvent
      if (!action.startsWith("postern.")) {
        const target = targets[0] === undefined ? "" : `${targets[0].type}/${targets[0].id}`
        show({
          index: entry.index,
          writer: entry.writer ?? "",
          action,
          actor: actor.id,
          target,
          outcome,
        })
      }
      for (const each of waiting.splice(0)) {
        if (each.size <= shown) each.resolve()
        else waiting.push(each)
      }
    }
  }
  const ended = follow()
  ended.catch((error) => {
    if (!signal.aborted) console.error(`postern: the tail ended: ${String(error)}`)
  })
  return {
    reached: (size) =>
      Promise.race([
        ended.then(() => undefined),
        new Promise<void>((resolve) => {
          if (size <= shown) resolve()
          else waiting.push({ size, resolve })
        }),
      ]),
  }
}

interface ShownEvent {
  readonly action: string
  readonly outcome: string
  readonly actor: { readonly id: string }
  readonly targets: readonly { readonly type: string; readonly id: string }[]
}
