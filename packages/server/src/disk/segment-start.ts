import { encodeUtf8, formatHex, PosternError, parseHex, sha256 } from "@postern/log/base"
import { replaceFile } from "./durable.ts"
import { type FileSystem, readFile } from "./file-system.ts"
import { segmentPath } from "./log-directory.ts"
import { nodeFiles } from "./node-files.ts"

/** What was true when a segment began (docs/spec/disk.md, `.start`): recovery needs nothing older. */
export interface SegmentStart {
  readonly first: number
  readonly generation: number
  /** Number of the segment's first slot. */
  readonly slot: number
  readonly previous: Uint8Array
  /** Peaks of the tree of `first` leaves, 64 x 32 bytes by level. */
  readonly frontier: Uint8Array
  /** The port's own state (streams), as JSON; the disk room does not look into it. */
  readonly state: unknown
}

const peaks = 64

/** Durable once this returns; written before the segment's first slot. */
export async function writeSegmentStart(
  directory: string,
  start: SegmentStart,
  files: FileSystem = nodeFiles,
): Promise<void> {
  const frontier: string[] = []
  for (let level = 0; level < peaks; level++) {
    frontier.push(formatHex(start.frontier.subarray(level * 32, level * 32 + 32)))
  }
  const { first, generation, slot, state } = start
  const previous = formatHex(start.previous)
  const text = JSON.stringify({ first, generation, slot, previous, frontier, state })
  await replaceFile(segmentPath(directory, first, "start"), `${text}\n${digestOf(text)}\n`, files)
}

export async function readSegmentStart(
  directory: string,
  first: number,
  files: FileSystem = nodeFiles,
): Promise<SegmentStart> {
  const path = segmentPath(directory, first, "start")
  const [text = "", digest, ...rest] = (await readFile(files, path)).toString("utf8").split("\n")
  try {
    if (digest !== digestOf(text) || rest.join() !== "") throw new Error("the digest is another")
    const value = JSON.parse(text)
    const frontier = new Uint8Array(peaks * 32)
    for (let level = 0; level < peaks; level++)
      frontier.set(hash(value.frontier[level]), level * 32)
    const previous = hash(value.previous)
    if (value.first !== first || !Number.isSafeInteger(value.slot)) throw new Error("first or slot")
    return {
      first,
      generation: value.generation,
      slot: value.slot,
      previous,
      frontier,
      state: value.state,
    }
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", `${path} cannot be read`, { cause })
  }
}

/** What the streams were at stands nowhere else: a bit that flips at rest must not move a writer's sequence. */
function digestOf(text: string): string {
  return formatHex(sha256(encodeUtf8(text)))
}

function hash(text: unknown): Uint8Array {
  const bytes = typeof text === "string" ? parseHex(text) : undefined
  if (bytes?.length !== 32) throw new Error("not a hash")
  return bytes
}
