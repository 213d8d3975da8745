import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Input } from "./parser.ts"

/** An input that is kept because of what a parser made of it. */
export interface Kept {
  readonly input: Input
  /** "accepted", or the code of the refusal: it must stay so. */
  readonly code: string
  /** The refusal in words, for people. */
  readonly words: string
}

const fileOf = (parser: string): string =>
  fileURLToPath(new URL(`kept/${parser}.ndjson`, import.meta.url))

/** The corpus of a parser: a JSON object a line, the input as text or as base64. */
export function readKept(parser: string): Kept[] {
  const file = fileOf(parser)
  if (!existsSync(file)) return []
  return readFileSync(file, "utf8").trimEnd().split("\n").map(readLine)
}

function readLine(line: string): Kept {
  const { code, words, text, base64 } = JSON.parse(line) as Record<string, string>
  const bytes = () => new Uint8Array(Buffer.from(base64 ?? "", "base64"))
  return { code: code ?? "", words: words ?? "", input: text ?? bytes() }
}

export function writeKept(parser: string, kept: readonly Kept[]): void {
  const lines = kept.map(({ input, code, words }) => {
    const spelled =
      typeof input === "string"
        ? { text: input }
        : { base64: Buffer.from(input).toString("base64") }
    return `${JSON.stringify({ code, words, ...spelled })}\n`
  })
  writeFileSync(fileOf(parser), lines.join(""))
}
