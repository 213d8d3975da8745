import { useEffect, useSyncExternalStore } from "react"
import { theme, useKept } from "../kept/index.ts"

const darkSystem = matchMedia("(prefers-color-scheme: dark)")

function subscribe(changed: () => void): () => void {
  darkSystem.addEventListener("change", changed)
  return () => darkSystem.removeEventListener("change", changed)
}

/** The theme in force; the page wears it. */
export function useTheme(): "light" | "dark" {
  const chosen = useKept(theme)
  const isDark = useSyncExternalStore(subscribe, () => darkSystem.matches)
  const shown = chosen === "system" ? (isDark ? "dark" : "light") : chosen
  useEffect(() => {
    document.documentElement.dataset.theme = shown
  }, [shown])
  return shown
}
