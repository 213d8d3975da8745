import type { QueryClient } from "@tanstack/react-query"
import { api } from "../api/index.ts"
import { pinnedKeys } from "../kept/index.ts"
import { type OpenNote, openNotes } from "../proof/index.ts"

let last: { readonly vkey: string; readonly open: OpenNote } | undefined

/** Opens notes with the key that a person pinned for this log; without one, with what the server says. Asks when it is needed first. */
export function logNotes(client: QueryClient): OpenNote {
  let finding: Promise<OpenNote> | undefined
  return async (note) => {
    finding ??= find(client)
    return (await finding)(note)
  }
}

async function find(client: QueryClient): Promise<OpenNote> {
  const queryFn = ({ signal }: { signal: AbortSignal }) => api.log(signal)
  const { origin, vkey: served } = await client.fetchQuery({ queryKey: ["log"], queryFn })
  const vkey = pinnedKeys.get()[origin] ?? served
  if (vkey === null) throw new Error("nobody knows a key of this log")
  if (last?.vkey !== vkey) last = { vkey, open: openNotes(vkey, () => api.keyProofs()) }
  return last.open
}

/** A moment in which the page has nothing else to do; half a second at most, so that a busy page is checked all the same. */
export function quietMoment(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === "undefined") setTimeout(resolve, 50)
    else requestIdleCallback(() => resolve(), { timeout: 500 })
  })
}
