import { useMemo, useSyncExternalStore } from "react"
import type { RowProofs } from "./row-proofs.ts"

/** Draws again when rows were proven, or were found not to hold. */
export function useProofs(proofs: RowProofs | undefined): void {
  const subscribe = useMemo(
    () => proofs?.subscribe.bind(proofs) ?? (() => () => undefined),
    [proofs],
  )
  useSyncExternalStore(subscribe, () => proofs?.version ?? 0)
}
