import type { Counted } from "../api/index.ts"
import { coverage } from "./coverage.ts"

/** What is missing in counts, where they are read; nothing if nothing is. */
export function Coverage({ answer }: { readonly answer: Counted }) {
  const text = coverage(answer)
  if (text === "") return null
  return (
    <p className="partial small" role="status">
      {text}
    </p>
  )
}
