import { useSyncExternalStore } from "react"

/**
 * A value that this browser keeps for its person: in localStorage, under `postern.<name>`. What stands there may be from an
 * older console or from another hand, so it is read with a function that says what it takes.
 */
export interface Kept<T> {
  get(): T
  set(value: T): void
  subscribe(changed: () => void): () => void
}

/** @param read gives undefined for what is not acceptable; then `fallback` counts */
export function kept<T>(
  name: string,
  fallback: T,
  read: (value: unknown) => T | undefined,
): Kept<T> {
  const key = `postern.${name}`
  const listeners = new Set<() => void>()
  let held = load()

  function load(): T {
    try {
      const text = localStorage.getItem(key)
      return text === null ? fallback : (read(JSON.parse(text)) ?? fallback)
    } catch {
      return fallback // No storage, or something that is not JSON.
    }
  }

  function tell(): void {
    for (const listener of listeners) listener()
  }

  globalThis.addEventListener?.("storage", (event: StorageEvent) => {
    if (event.key !== key && event.key !== null) return
    held = load()
    tell()
  })
  return {
    get: () => held,
    set(value) {
      held = value
      try {
        localStorage.setItem(key, JSON.stringify(value))
      } catch {
        // It holds for this page at least: a browser may refuse to keep anything.
      }
      tell()
    },
    subscribe(changed) {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
  }
}

/** The value, and again whenever it changes, in this page or in another one. */
export function useKept<T>(value: Kept<T>): T {
  return useSyncExternalStore(value.subscribe, value.get)
}
