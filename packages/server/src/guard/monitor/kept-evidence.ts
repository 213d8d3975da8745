import { mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import { concatBytes, equalBytes, isPosternError } from "@postern/log/base"
import { EvidenceWriter } from "@postern/log/evidence"
import { replaceFile } from "../../disk/index.ts"
import type { AlarmName } from "./alarm.ts"
import { openOwn, type WatchedLog } from "./watched-log.ts"

/** A peer that lies again and again must not fill the disk; what is kept first proves most. */
const keptMax = 100

/** What a monitor was shown that cannot be right. */
export interface Shown {
  readonly alarm: AlarmName
  readonly detail: string
  readonly at: Date
  readonly log: WatchedLog
  /** The note that it held to, if any, and the one that it was shown. Verbatim. */
  readonly believed: string | undefined
  readonly shown: string | undefined
}

/**
 * Keeps what was shown in a directory of its own below `evidence/` and gives its path; undefined if there are too many
 * already. Where both notes are signed, for one size, `fork.evidence` is the file of docs/spec/evidence.md that proves
 * by itself that the log's keys signed two histories. Durable once it resolves. Errors: DISK_FULL, DISK_FAILED.
 */
export async function keepShown(directory: string, what: Shown): Promise<string | undefined> {
  const { alarm, detail, at, log, believed, shown } = what
  const all = join(directory, "evidence")
  await mkdir(all, { recursive: true, mode: 0o700 })
  if ((await readdir(all)).length >= keptMax) return undefined
  const path = join(all, `${at.toISOString().replace(/[:.]/g, "-")}-${alarm}`)
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (believed !== undefined) await replaceFile(join(path, "believed-checkpoint"), believed)
  if (shown !== undefined) await replaceFile(join(path, "shown-checkpoint"), shown)
  const { origin, vkey } = log
  const fork = await forkFile(what)
  if (fork !== undefined) await replaceFile(join(path, "fork.evidence"), fork)
  const facts = {
    postern: "monitor-evidence@v1",
    alarm,
    detail,
    at: at.toISOString(),
    origin,
    vkey,
  }
  await replaceFile(join(path, "facts.json"), `${JSON.stringify(facts)}\n`)
  return path
}

/** Undefined unless the two notes prove a fork without anything else. */
async function forkFile({ log, believed, shown }: Shown): Promise<Uint8Array | undefined> {
  if (believed === undefined || shown === undefined) return undefined
  try {
    const [a, b] = [
      (await openOwn(log, believed)).checkpoint,
      (await openOwn(log, shown)).checkpoint,
    ]
    if (a.size !== b.size || equalBytes(a.root, b.root)) return undefined
  } catch (error) {
    if (!isPosternError(error)) throw error
    return undefined // Not signed by the log key: it proves nothing by itself.
  }
  const lines: Uint8Array[] = []
  const writer = new EvidenceWriter((line) => void lines.push(line))
  await writer.head({ origin: log.origin, evidence: "fork", claim: {}, count: 0 })
  await writer.note(believed)
  await writer.note(shown)
  for (const proof of log.keys?.proofs ?? []) await writer.key(proof)
  await writer.end()
  return concatBytes(...lines)
}
