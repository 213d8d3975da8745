import type { EvidenceVerdict } from "@postern/log/evidence"
import { element } from "./elements.ts"
import type { PlainVerdict } from "./words.ts"

export type Fact = readonly [name: string, value: string]

export interface CheckedFile {
  readonly name: string
  readonly bytes: number
  /** Of the file as it is, packed or not; undefined if the check ended before its end. */
  readonly sha256: string | undefined
  readonly milliseconds: number
}

/** What a person writes into a protocol. */
export function factsOf(said: EvidenceVerdict, word: string, file: CheckedFile): Fact[] {
  const { origin, kind, size, roots, counts, claim, findings } = said
  const facts: Fact[] = [["Verdict", word]]
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== "") facts.push([name, value])
  }
  for (const { code, where, what } of findings) add("Finding", `${where}: ${what} (${code})`)
  add("File", `${file.name}, ${file.bytes.toLocaleString("en")} bytes`)
  add("SHA-256 of the file", file.sha256)
  add("Log", origin)
  add("Kind of evidence", kind)
  add("Tree size", size?.toLocaleString("en"))
  for (const root of roots) add("Root", root)
  if (counts.leaves > 0) {
    const { leaves, context, hashes, disclosed, withheld } = counts
    add("Contents", `${leaves} entries, ${context} opening entries, ${hashes} hashes`)
    const values = `${disclosed} in the file, ${withheld} withheld`
    add("Values kept beside the log", disclosed + withheld === 0 ? undefined : values)
  }
  add("Asked for, as the maker says", claim === undefined ? undefined : JSON.stringify(claim))
  add(
    "Checked",
    `${new Date().toISOString()} by this computer's clock, in ${Math.round(file.milliseconds)} ms`,
  )
  return facts
}

export function factElements(facts: readonly Fact[]): HTMLElement[] {
  return facts.flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", /^[A-Za-z0-9+/=]{40,}$/.test(value) ? { class: "mono" } : {}, value),
  ])
}

export function recordText(plain: PlainVerdict, facts: readonly Fact[]): string {
  const list = (title: string, items: readonly string[]) => {
    return items.length === 0 ? [] : ["", title, ...items.map((item) => `- ${item}`)]
  }
  return [
    plain.title,
    plain.lead,
    ...list("What this shows", plain.shows),
    ...list("What it does not show", plain.showsNot),
    "",
    ...facts.map(([name, value]) => `${name}: ${value}`),
    "",
  ].join("\n")
}
