import { statSync } from "node:fs"
import { parseEntry } from "@postern/log/event"
import { mayMatch, parseQuery } from "@postern/log/query"
import type { LogView } from "../disk/index.ts"

/** Tells when the port has taken over a changed access list. */
export interface AccessWatch {
  /** Looks once. Resolves when the list is applied, if there was one. To be called several times a second. */
  look(): Promise<void>
}

export interface AccessWatchOptions {
  /** Path of the list, which is to be read after this watch was opened. */
  file(): string
  readonly view: Pick<LogView, "head" | "leaves">
  /** Reads the list again; false if it is not acceptable. */
  reload(): Promise<boolean>
}

const loaded = "postern.access.loaded"
const leavesBytesMax = 1_048_576

/**
 * The port says in the log that it applied a list. As long as the file is the one that we read, no entry can tell
 * us anything new, and the log goes by unread: it may grow by hundreds of thousands of entries a second. When the
 * file has changed, the entry about it stands, or will stand, behind the last look that saw the old one.
 */
export function openAccessWatch({ file, view, reload }: AccessWatchOptions): AccessWatch {
  const query = parseQuery(`action:${loaded}`)
  let position = view.head().size
  /** How the file looked from outside just before it was last read. */
  let applied = outsideOf(file())
  let looking: Promise<void> | undefined

  async function lookOnce(): Promise<void> {
    const { size } = view.head()
    const outside = outsideOf(file())
    if (outside === applied) position = size
    while (position < size) {
      const leaves = await view.leaves(position, size, leavesBytesMax)
      position += leaves.length
      if (!leaves.some((leaf) => mayMatch(query, leaf) && isLoaded(leaf))) continue
      if (await reload()) applied = outside
    }
  }

  function look(): Promise<void> {
    looking ??= lookOnce().finally(() => {
      looking = undefined
    })
    return looking
  }

  return { look }
}

function isLoaded(leaf: Uint8Array): boolean {
  return parseEntry(leaf).event.action === loaded
}

/** Changes whenever the file does. */
function outsideOf(file: string): string {
  // It may be absent between an editor's unlink and its rename: the next look sees what came of it.
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return `${file} ${stat?.ino} ${stat?.size} ${stat?.mtimeNs}`
}
