import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual"
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from "react"

export const rowPixels = 30
/** Browsers draw no box that is much higher. A longer list gets a track of this height and is scrolled in proportion. */
const trackMax = 8_000_000

export interface LongListControl {
  /** Brings a row into view; `start` puts it at the top. */
  show(position: number, align?: "auto" | "start"): void
  /** How many rows fit. */
  pageRows(): number
}

interface LongListProps {
  readonly count: number
  readonly label: string
  readonly scroller: RefObject<HTMLDivElement | null>
  readonly control: RefObject<LongListControl | null>
  readonly header: ReactNode
  readonly footer: ReactNode
  readonly row: (position: number, top: number) => ReactNode
  /** Rows [first, last) are on the screen, or close to it. */
  readonly onRange: (first: number, last: number) => void
  readonly onTop: (isAtTop: boolean) => void
  readonly active: string | undefined
}

/** Where the list is, exactly: with a track in proportion one pixel of it is many. */
class Place {
  /** Pixels from the top of the whole list. */
  offset = 0
  scale = 1
  #set = 0
  tell: ((offset: number, isScrolling: boolean) => void) | undefined

  scrolled(top: number): void {
    // What we set ourselves comes back rounded.
    if (Math.abs(top - this.#set) > 1) this.offset = top * this.scale
    this.#set = top
    this.tell?.(this.offset, false)
  }

  move(element: HTMLElement, offset: number, total: number): void {
    this.offset = Math.min(Math.max(0, offset), Math.max(0, total - element.clientHeight))
    this.#set = this.offset / this.scale
    element.scrollTop = this.#set
    this.tell?.(this.offset, false)
  }
}

/**
 * A grid of rows of one height, of which only those on the screen exist. Works with five million rows as with five: the wheel
 * and the keys move by rows, the scroll bar over the whole.
 */
export function LongList(props: LongListProps) {
  const { count, scroller, control, onRange, onTop } = props
  const place = useRef(new Place()).current
  const total = count * rowPixels
  const virtualizer = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPixels,
    overscan: 12,
    observeElementOffset: (instance, tell) => observeOffset(instance, place, tell),
    scrollToFn: (offset, _options, { scrollElement }) => {
      if (scrollElement !== null) place.move(scrollElement, offset, total)
    },
  })
  const height = virtualizer.scrollRect?.height ?? 0
  const track = Math.min(total, trackMax)
  place.scale = total > trackMax ? (total - height) / (trackMax - height) : 1
  useWheel(scroller, place, total)
  useLayoutEffect(() => {
    control.current = {
      show(position, align = "auto") {
        const element = scroller.current
        if (element === null) return
        const top = position * rowPixels
        const room = element.clientHeight - rowPixels * 2
        if (align === "start" || top < place.offset) place.move(element, top, total)
        else if (top > place.offset + room) place.move(element, top - room, total)
      },
      pageRows: () =>
        Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowPixels) - 2),
    }
  })
  const items = virtualizer.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = (items.at(-1)?.index ?? -1) + 1
  const isAtTop = place.offset < rowPixels
  useEffect(() => onRange(first, last), [onRange, first, last])
  useEffect(() => onTop(isAtTop), [onTop, isAtTop])
  const shift = (scroller.current?.scrollTop ?? 0) - place.offset
  return (
    <div
      ref={scroller}
      className="rows"
      role="grid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-activedescendant={props.active}
    >
      {props.header}
      <div className="track" role="rowgroup" style={{ height: track }}>
        {items.map((item) =>
          props.row(item.index, place.scale === 1 ? item.start : item.start + shift),
        )}
      </div>
      {props.footer}
    </div>
  )
}

function observeOffset(
  instance: Virtualizer<HTMLDivElement, HTMLDivElement>,
  place: Place,
  tell: (offset: number, isScrolling: boolean) => void,
): (() => void) | undefined {
  const element = instance.scrollElement
  if (element === null) return undefined
  place.tell = tell
  const scrolled = () => place.scrolled(element.scrollTop)
  scrolled()
  element.addEventListener("scroll", scrolled, { passive: true })
  return () => element.removeEventListener("scroll", scrolled)
}

/** In a track in proportion the browser would jump over rows: the wheel moves by what it says. */
function useWheel(scroller: RefObject<HTMLDivElement | null>, place: Place, total: number): void {
  useEffect(() => {
    const element = scroller.current
    if (element === null || total <= trackMax) return
    const wheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.deltaY === 0) return
      event.preventDefault()
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? rowPixels : 1
      place.move(element, place.offset + event.deltaY * pixels, total)
    }
    element.addEventListener("wheel", wheel, { passive: false })
    return () => element.removeEventListener("wheel", wheel)
  }, [scroller, place, total])
}
