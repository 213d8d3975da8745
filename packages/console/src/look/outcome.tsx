import { lineOf } from "./text.ts"

/** A shape for each outcome, so that no colour is needed to tell them apart. */
const shapes: Readonly<Record<string, string>> = {
  success: "M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  failure: "M5 .8 9.6 9.2H.4z",
  denied: "M1.2 1.2h7.6v7.6H1.2z",
  error: "M5 .4 9.6 5 5 9.6.4 5z",
  unknown: "M1 4h8v2H1z",
}

export function Outcome({ value }: { readonly value: unknown }) {
  const name = typeof value === "string" && value in shapes ? value : "unknown"
  return (
    <span className="outcome" data-outcome={name}>
      <svg viewBox="0 0 10 10" aria-hidden="true">
        <path d={shapes[name]} />
      </svg>
      {value === undefined ? "unknown" : lineOf(value)}
    </span>
  )
}
