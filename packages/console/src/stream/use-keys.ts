import { type RefObject, useEffect, useRef } from "react"
import type { LongListControl } from "./long-list.tsx"

export interface StreamKeys {
  readonly field: RefObject<HTMLInputElement | null>
  readonly list: RefObject<LongListControl | null>
  readonly count: number
  readonly selected: number | undefined
  readonly isOpen: boolean
  setSelected(position: number): void
  open(position: number): void
  close(): void
}

/** An open entry follows the selection, but not through every row that is passed. */
const followMs = 180

/** The keys of the stream; `?` shows them. Typing in a field is nobody's command. */
export function useKeys(keys: StreamKeys): void {
  const newest = useRef(keys)
  newest.current = keys
  useEffect(() => {
    let following: ReturnType<typeof setTimeout> | undefined
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      if (isElsewhere(event.target)) return
      const now = newest.current
      if (event.key === "/") {
        now.field.current?.focus()
        now.field.current?.select()
      } else if (event.key === "Enter" && isList(event.target)) {
        if (now.selected !== undefined) now.open(now.selected)
      } else if (event.key === "Escape") {
        if (!now.isOpen) return
        now.close()
      } else {
        const to = positionAfter(event, now)
        if (to === undefined) return
        now.setSelected(to)
        now.list.current?.show(to)
        clearTimeout(following)
        if (now.isOpen) following = setTimeout(() => newest.current.open(to), followMs)
      }
      event.preventDefault()
    }
    addEventListener("keydown", press)
    return () => {
      removeEventListener("keydown", press)
      clearTimeout(following)
    }
  }, [])
}

function positionAfter({ key, target }: KeyboardEvent, keys: StreamKeys): number | undefined {
  const { selected = -1, count, list } = keys
  const page = list.current?.pageRows() ?? 1
  const steps: Readonly<Record<string, number>> = {
    j: 1,
    k: -1,
    ...(isList(target)
      ? { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count }
      : {}),
  }
  const step = steps[key]
  if (step === undefined || count === 0) return undefined
  return Math.min(Math.max(0, selected + step), count - 1)
}

function isList(target: EventTarget | null): boolean {
  return target === document.body || (target instanceof Element && target.matches(".rows, .main"))
}

/** In a field, in a window above the page, or in a menu. One that was closed has the focus until the next frame. */
function isElsewhere(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest("input, textarea, select, dialog[open], :popover-open") !== null
  )
}
