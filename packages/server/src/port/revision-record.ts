import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { reviseText, splitText } from "../access/index.ts"
import type { OwnEntry, OwnStream } from "./own-stream.ts"

/** However a part is escaped in JSON (six bytes for a unit at most), it fits an entry. */
const partUnitsMax = 8192

/** A reviewed text that the port works by, and its SHA-256. */
export interface Revision {
  readonly text: string
  readonly digest: string
}

/**
 * Says in the log which text is in force from here on, as what changed of the one before (docs/spec/log.md, The access list):
 * `postern.<noun>.loaded`, after as many `postern.<noun>.part` as it takes. Followers apply it when they read the last of these.
 */
export function recordRevision(
  own: Pick<OwnStream, "record">,
  noun: "access" | "policy",
  before: Revision | undefined,
  after: Revision,
  entry: Pick<OwnEntry, "targets" | "data">,
): void {
  const { digest } = after
  const { from, to, text } = reviseText(before?.text ?? "", after.text)
  const parts = splitText(text, partUnitsMax)
  if (parts.length > 1) {
    for (const [part, piece] of parts.entries()) {
      const data = { digest, part, text: piece }
      own.record({ action: `postern.${noun}.part`, outcome: "success", data })
    }
  }
  own.record({
    action: `postern.${noun}.loaded`,
    outcome: "success",
    ...(entry.targets && { targets: entry.targets }),
    data: {
      digest,
      ...entry.data,
      ...(before && { previous: before.digest }),
      ...{ from, to, ...(parts.length > 1 ? { parts: parts.length } : { text }) },
    },
  })
}

/** Keeps the text in force: the next start compares the file with it. Errors: those of the file system. */
export function keepRevision(file: string, { text }: Revision): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, text, { mode: 0o640, flush: true })
  renameSync(`${file}.new`, file)
}
