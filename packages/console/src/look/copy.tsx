import { useEffect, useState } from "react"
import { Icon } from "./icons.tsx"

/** Puts text on the clipboard, and says for a moment whether that worked. */
export function CopyButton({
  text,
  label = "Copy",
}: {
  readonly text: string | (() => string)
  readonly label?: string
}) {
  const [said, setSaid] = useState("")
  useEffect(() => {
    if (said === "") return
    const timer = setTimeout(() => setSaid(""), 1600)
    return () => clearTimeout(timer)
  }, [said])
  const copy = async () => {
    setSaid((await copyText(typeof text === "string" ? text : text())) ? "Copied" : "Not allowed")
  }
  return (
    <button type="button" className="button tiny" onClick={() => void copy()}>
      <Icon name="copy" />
      <span aria-live="polite">{said === "" ? label : said}</span>
    </button>
  )
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false // A browser may keep its clipboard to itself.
  }
}

/** A command or other text that a person takes along. */
export function Copyable({ text, label }: { readonly text: string; readonly label?: string }) {
  return (
    <div className="copyable">
      <pre>{text}</pre>
      <CopyButton text={text} {...(label === undefined ? {} : { label })} />
    </div>
  )
}
