import { formatBase64, PosternError } from "@postern/log/base"
import { treeRoot } from "@postern/log/tlog"
import { followLog } from "../../disk/index.ts"
import { type Report, verifyDirectory } from "../verify/index.ts"
import type { KnownSize } from "./known.ts"

/** A log directory that holds what is left of an epoch, verified from its first entry on. */
export interface Survivor {
  readonly path: string
  readonly size: number
  /** Base64. */
  readonly root: string
  /** Nothing is wrong with it but that it is older than what was signed. */
  readonly sound: boolean
  /** Whether the log of this size, which is not beyond its end, had this root. */
  holds(known: KnownSize): Promise<boolean>
}

/**
 * Verifies the whole of a directory. Errors: NOT_FOUND if it is no log directory, LOG_FORMAT, LOG_DAMAGED if it is of
 * another origin or, for a mirror, if anything at all is wrong with it.
 * @param whole true for a mirror: nothing may be wrong
 */
export async function openSurvivor(
  path: string,
  log: {
    readonly origin: string
    readonly vkey: string
    readonly olderKeys?: readonly string[]
  },
  whole: boolean,
  progress: (entries: number, of: number) => void,
): Promise<Survivor> {
  const report = await verifyDirectory(path, {
    ...{ vkey: log.vkey, progress },
    others: log.olderKeys ?? [],
  })
  if (report.origin !== log.origin) {
    throw new PosternError("LOG_DAMAGED", `${path} is the log ${report.origin}, not ${log.origin}`)
  }
  const sound = report.findings.every(({ code }) => isOnlyOlder(code))
  const [first] = report.findings
  if (whole && first !== undefined) {
    throw new PosternError("LOG_DAMAGED", `${path}: ${first.where}: ${first.what}`)
  }
  const root = report.root ?? ""
  return { path, size: report.size, root, sound, holds: (known) => holds(path, report, known) }
}

/** Findings of a directory that is right in itself and ends too early. */
function isOnlyOlder(code: string): boolean {
  return /-beyond$/.test(code)
}

async function holds(path: string, report: Report, known: KnownSize): Promise<boolean> {
  if (known.size > report.size) return false
  if (known.size === report.size) return known.root === report.root
  const view = await followLog(path)
  try {
    const root = await treeRoot(known.size, (level, from, to) => view.hashes(level, from, to))
    return formatBase64(root) === known.root
  } finally {
    await view.close()
  }
}
