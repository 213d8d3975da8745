import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { api, type LogAnswer, type ShownEntry } from "../api/index.ts"
import { pinnedKeys, seenCheckpoints, useKept } from "../kept/index.ts"
import { nextSeen, openLogTrust, type Verification, verifyEntry } from "../proof/index.ts"

/** Where the key that signatures are checked with comes from. */
export interface KeyInUse {
  readonly vkey: string | undefined
  readonly isPinned: boolean
  /** What the server says the key is. */
  readonly served: string | undefined
  readonly log: LogAnswer | undefined
  readonly problem: Error | null
}

/** The key that a person pinned for this log; without one, what the server says. */
export function useLogKey(): KeyInUse {
  const pinned = useKept(pinnedKeys)
  const { data: log, error } = useQuery({
    queryKey: ["log"],
    queryFn: ({ signal }) => api.log(signal),
  })
  const own = log === undefined ? undefined : pinned[log.origin]
  return {
    vkey: own ?? log?.vkey ?? undefined,
    isPinned: own !== undefined,
    served: log?.vkey ?? undefined,
    log,
    problem: error,
  }
}

export type Verifying =
  | { readonly state: "idle" | "working" }
  | {
      readonly state: "done"
      readonly verification: Verification
      readonly vkey: string | undefined
    }
  | { readonly state: "broken"; readonly error: Error }

/** Verifies an answer when asked to; what holds is remembered, so that a later log has to go on from it. */
export function useVerification(index: number, answer: ShownEntry, key: KeyInUse) {
  const [verifying, setVerifying] = useState<Verifying>({ state: "idle" })
  const verify = async () => {
    setVerifying({ state: "working" })
    try {
      const proofs = key.vkey === undefined ? "" : await api.keyProofs()
      const trust = key.vkey === undefined ? undefined : await openLogTrust(key.vkey, proofs)
      const origin = trust?.origin ?? ""
      const verification = await verifyEntry({
        index,
        answer,
        open: trust === undefined ? undefined : (note) => trust.open(note),
        seen: seenCheckpoints.get()[origin],
        consistency: async (from, to) => (await api.consistency(from, to)).path,
      })
      remember(verification, origin)
      setVerifying({ state: "done", verification, vkey: key.vkey })
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      setVerifying({ state: "broken", error })
    }
  }
  return { verifying, verify }
}

function remember({ state, checkpoint }: Verification, origin: string): void {
  if (state !== "holds" || checkpoint === undefined) return
  const all = seenCheckpoints.get()
  const next = nextSeen(all[origin], checkpoint, new Date().toISOString())
  if (next !== all[origin]) seenCheckpoints.set({ ...all, [origin]: next })
}
