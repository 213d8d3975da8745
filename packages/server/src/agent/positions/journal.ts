import type { FileMark, FilePlace, Positions, Step } from "./marks.ts"

const version = 1
const filesMax = 10_000

/** The beginning of a journal, a line. */
export function formatSnapshot({ taken, files }: Positions): string {
  return `${JSON.stringify({ positions: version, taken, files })}\n`
}

/** A line of a journal. */
export function formatStep({ file, events }: Step): string {
  const line = file === undefined ? { events } : { file: file.id, ...file.place, events }
  return `${JSON.stringify(line)}\n`
}

/**
 * Where to go on. `taken` of the result is what the spool has. Undefined if the text is no journal, or one of another version. A line that was
 * not written to its end, and what follows it, is as if it had never been begun.
 * @param spooled events that the spool was ever given, as it says itself
 */
export function replay(text: string, spooled: number): Positions | undefined {
  const [first = "", ...lines] = text.split("\n")
  const snapshot = readSnapshot(first)
  if (snapshot === undefined) return undefined
  const files = new Map(snapshot.files.map((file) => [file.id, file]))
  let done = snapshot.taken
  for (const line of lines) {
    const step = readStep(line)
    if (step === undefined) break
    const { file, events } = step
    const mark = file && files.get(file.id)
    const isWhole = done + events <= spooled
    if (file !== undefined && mark !== undefined) {
      // The step's events follow those that were handed on before, both counted from the offset before the step.
      const part = { ...mark, skip: mark.skip + Math.max(0, spooled - done) }
      files.set(file.id, isWhole ? { ...mark, ...file.place } : part)
    }
    done += events
    if (!isWhole) break
  }
  // Lines can be lost with the power though their events are not. Of which files those were is known if there is only one.
  const unknown = spooled - done
  const [only] = files.values()
  if (unknown > 0 && files.size === 1 && only !== undefined) {
    files.set(only.id, { ...only, skip: only.skip + unknown })
  }
  return { taken: spooled, files: [...files.values()] }
}

function readSnapshot(line: string): Positions | undefined {
  const value = readObject(line)
  if (value === undefined || value.positions !== version) return undefined
  const { taken, files } = value
  if (!isCount(taken) || !Array.isArray(files) || files.length > filesMax) return undefined
  const marks = files.map(readMark)
  if (marks.some((mark) => mark === undefined)) return undefined
  return { taken, files: marks as FileMark[] }
}

function readMark(value: unknown): FileMark | undefined {
  if (typeof value !== "object" || value === null) return undefined
  const { id, path, inode, print, printedAt, ...rest } = value as Record<string, unknown>
  const place = readPlace(rest)
  if (place === undefined || !isCount(id) || typeof path !== "string") return undefined
  if (typeof inode !== "string" || typeof print !== "string") return undefined
  return isCount(printedAt) ? { id, path, inode, print, printedAt, ...place } : undefined
}

function readPlace({ offset, skip, format }: Record<string, unknown>): FilePlace | undefined {
  if (!isCount(offset) || !isCount(skip)) return undefined
  return typeof format === "string" ? { offset, skip, format } : { offset, skip }
}

function readStep(line: string): Step | undefined {
  const value = readObject(line)
  if (value === undefined || !isCount(value.events)) return undefined
  const { events, file: id } = value
  if (id === undefined) return { events }
  const place = readPlace(value)
  return place !== undefined && isCount(id) ? { file: { id, place }, events } : undefined
}

function readObject(line: string): Record<string, unknown> | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // Cut in the middle, or somebody else's: not a line of ours.
  }
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)
    : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
