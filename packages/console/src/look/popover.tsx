import { type ReactNode, type ToggleEvent, useEffect, useId, useRef, useState } from "react"
import { Icon, type IconName } from "./icons.tsx"

const gapPixels = 4
const marginPixels = 8

/**
 * A button that opens a small window below it. The browser does the rest: Escape and a click elsewhere close the window, the
 * focus goes back to the button.
 */
export function PopoverButton({
  label,
  icon,
  title,
  children,
}: {
  readonly label: string
  readonly icon?: IconName
  /** What the window is about, for those who do not see it; else the label. */
  readonly title?: string
  readonly children: (close: () => void) => ReactNode
}) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)
  const inside = useRef<HTMLDivElement>(null)
  // What is in the window is there only now.
  useEffect(() => {
    if (isOpen) inside.current?.querySelector<HTMLElement>("input, button")?.focus()
  }, [isOpen])
  const toggled = (event: ToggleEvent<HTMLDivElement>) => {
    const isOpening = event.newState === "open"
    setOpen(isOpening)
    if (isOpening && button.current !== null) place(event.currentTarget, button.current)
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        className="button"
        popoverTarget={id}
        aria-expanded={isOpen}
      >
        {icon !== undefined && <Icon name={icon} />}
        <span>{label}</span>
      </button>
      <div
        ref={inside}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={title ?? label}
        className="popover"
        onToggle={toggled}
      >
        {isOpen && children(() => document.getElementById(id)?.hidePopover())}
      </div>
    </>
  )
}

/** Below the button, its right edge at the button’s, and inside the page. */
function place(popover: HTMLElement, button: HTMLElement): void {
  const { bottom, right } = button.getBoundingClientRect()
  popover.style.top = `${bottom + gapPixels}px`
  popover.style.right = `${Math.max(marginPixels, innerWidth - right)}px`
  popover.style.maxHeight = `${Math.max(200, innerHeight - bottom - gapPixels - marginPixels)}px`
}
