import { parseEntry } from "@postern/log/event"
import { followLog } from "../disk/index.ts"
import { subjectNames } from "../erasure/index.ts"

/** Where a log names somebody in the clear, and where it went. */
export interface ClearMentions {
  /** Entries that were looked through. */
  readonly looked: number
  /** Entries in which the text stands by itself, not as a part of a longer word. */
  readonly entries: number
  readonly first: number | undefined
  readonly last: number | undefined
  /** SPIFFE IDs of those who began to copy the log. */
  readonly mirrors: readonly string[]
}

const bytesAtATime = 4_000_000
const mirrorAction = Buffer.from('"postern.mirror.opened"')

/**
 * Looks through the log on this machine for a person's text: in no question to the read port, for that would be an entry with the text. Of an id
 * with its type the id alone counts. @param directory of the log
 */
export async function findMentions(
  directory: string,
  subject: string,
  onProgress: (done: number, of: number) => void,
): Promise<ClearMentions> {
  const text = subjectNames(subject).at(-1) ?? subject
  const needle = Buffer.from(JSON.stringify(text).slice(1, -1))
  const mirrors = new Set<string>()
  let [first, last]: (number | undefined)[] = []
  let entries = 0
  const view = await followLog(directory)
  try {
    const { size, minimum } = view.head()
    for (let at = minimum; at < size; onProgress(at, size)) {
      for (const leaf of await view.leaves(at, size, bytesAtATime)) {
        const bytes = Buffer.from(leaf.buffer, leaf.byteOffset, leaf.length)
        if (isMentioned(bytes, needle)) {
          first ??= at
          last = at
          entries += 1
        }
        if (bytes.includes(mirrorAction)) addMirror(leaf, mirrors)
        at += 1
      }
    }
    return { looked: size - minimum, entries, first, last, mirrors: [...mirrors].sort() }
  } finally {
    await view.close()
  }
}

function isMentioned(bytes: Buffer, needle: Buffer): boolean {
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
    if (!isWord(bytes[at - 1]) && !isWord(bytes[at + needle.length])) return true
  }
  return false
}

/** Letters, digits, `_`, and every character that is not ASCII. */
function isWord(byte: number | undefined): boolean {
  return byte !== undefined && (byte >= 0x80 || /\w/.test(String.fromCharCode(byte)))
}

function addMirror(leaf: Uint8Array, mirrors: Set<string>): void {
  const { action, actor } = parseEntry(leaf).event
  const { id } = Object(actor) as Readonly<Record<string, unknown>>
  if (action === "postern.mirror.opened" && typeof id === "string") mirrors.add(id)
}
