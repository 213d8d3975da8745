import type { EvidenceCounts, EvidenceDisclosure } from "@postern/log/evidence"
import { printable } from "./printable.ts"

/** Characters of the values that are kept for `--json`; a file may hold gigabytes of them. */
const keptMax = 64 * 1024 * 1024
/** What one that is kept costs besides. */
const overhead = 64
const linesMax = 20
const valueCharactersMax = 200

/** The values of an evidence file, for whoever asks what was in it once its verdict is known. */
export class DisclosedValues {
  /** In the order of the file; those that fit. */
  readonly kept: EvidenceDisclosure[] = []
  #room = keptMax

  readonly take = (disclosure: EvidenceDisclosure): void => {
    const { name, within, json } = disclosure
    const cost = name.length + within.length + json.length + overhead
    if (cost > this.#room) return
    this.#room -= cost
    this.kept.push(disclosure)
  }
}

/** What is kept beside the log, in lines, with the beginnings of the first values. */
export function describeValues(
  { disclosed, withheld, withholding }: EvidenceCounts,
  kept: readonly EvidenceDisclosure[],
): string[] {
  const lines: string[] = []
  if (disclosed > 0) {
    lines.push(`disclosed    ${counted(disclosed, "value")} whose digest the entries hold`)
  }
  for (const { index, name, within, json } of kept.slice(0, linesMax)) {
    const where = within === "" ? name : `${within}/${name}`
    lines.push(printable(`value        entry ${index}, ${where}: ${beginningOf(json)}`))
  }
  if (withheld > 0) {
    const verb = withheld === 1 ? "was" : "were"
    const whose = counted(withholding, "entry")
    lines.push(`withheld     ${counted(withheld, "value")} of ${whose} ${verb} not handed out`)
  }
  return lines
}

function beginningOf(json: string): string {
  if (json.length <= valueCharactersMax) return json
  return `${json.slice(0, valueCharactersMax)}… (${json.length} characters, all of them with --json)`
}

function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`
  return `${count} ${noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`}`
}
