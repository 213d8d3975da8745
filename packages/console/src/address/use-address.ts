import { useMemo, useSyncExternalStore } from "react"
import { type Address, formatAddress, type PageName, parseAddress } from "./address.ts"

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed)
  return () => removeEventListener("hashchange", changed)
}

export function useAddress(): Address {
  const hash = useSyncExternalStore(subscribe, () => location.hash)
  return useMemo(() => parseAddress(hash), [hash])
}

/** Goes there. `replace` leaves no step to go back to. */
export function go(hash: string, { replace = false } = {}): void {
  if (hash === location.hash) return
  if (!replace) {
    location.hash = hash
    return
  }
  history.replaceState(null, "", hash)
  dispatchEvent(new HashChangeEvent("hashchange"))
}

/** The same page with some parameters changed; those that are undefined go away. */
export function changed(
  address: Address,
  parameters: Readonly<Record<string, string | undefined>>,
): string {
  const all: Record<string, string | undefined> = Object.fromEntries(address.parameters)
  return formatAddress(address.page, { ...all, ...parameters }, address.rest)
}

export type { Address, PageName }
