import { readFile } from "node:fs/promises"
import { formatHex, PosternError } from "@postern/log/base"
import { treeRoot } from "@postern/log/tlog"
import { followLog, listSegments, openSegment, segmentPath, walkSlots } from "../disk/index.ts"
import type { Origin } from "./index.ts"

/** A frame by the table of docs/spec/mirror.md. */
export function frame(type: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(6)
  header.writeUInt32BE(2 + body.length)
  header[4] = type
  return Buffer.concat([header, body])
}

export interface SentFrame {
  readonly type: number
  readonly body: Buffer
}

export const session = "0f8fad5b-d9cb-469f-a165-70867728950e"

/** What an answer of a log directory holds from a slot on, and its checkpoint last. */
export async function framesOf(directory: string, from: number): Promise<SentFrame[]> {
  const view = await followLog(directory)
  const { slot: newest, size } = view.head()
  const note = await view.checkpoint()
  await view.close()
  if (from > newest + 1) throw new PosternError("NOT_FOUND", `the log has ${newest + 1} slots`)
  const begin = { postern: "slots@v1", origin: view.origin, session, from, slots: newest + 1, size }
  const frames = [{ type: 1, body: Buffer.from(JSON.stringify(begin)) }]
  for (const first of await listSegments(directory)) {
    const start = await readFile(segmentPath(directory, first, "start"))
    const index = Buffer.alloc(8)
    index.writeBigUInt64BE(BigInt(first))
    const firstSlot = (JSON.parse(start.toString().split("\n")[0] ?? "") as { slot: number }).slot
    if (firstSlot >= from) frames.push({ type: 2, body: Buffer.concat([index, start]) })
    const path = segmentPath(directory, first, "seg")
    const segment = await openSegment(path)
    const bytes = Buffer.alloc(await segment.size())
    await segment.read(bytes, 0, bytes.length, 0)
    await segment.close()
    for await (const { at, header } of walkSlots(path)) {
      if (header.slot > newest) break
      const body = Buffer.from(bytes.subarray(at, at + header.bytes))
      if (header.slot >= from) frames.push({ type: 3, body })
    }
  }
  if (note !== undefined) frames.push({ type: 4, body: Buffer.from(note) })
  return frames
}

/** An origin over a log directory, which tests let lie. Each answer ends where the log does. */
export class DirectoryOrigin implements Origin {
  readonly directory: string
  /** Asked for each answer, in turn. */
  readonly asked: number[] = []
  readonly confirmed: number[] = []
  alter: (frames: SentFrame[]) => SentFrame[] = (frames) => frames
  /** Length of the pieces in which an answer arrives. */
  pieceBytes = 50_000
  /** How many bytes of the answer arrive at all. */
  bytesMax = Number.POSITIVE_INFINITY
  agreeing: boolean | undefined

  constructor(directory: string) {
    this.directory = directory
  }

  async slots(from: number): Promise<AsyncIterable<Uint8Array>> {
    this.asked.push(from)
    const frames = this.alter(await framesOf(this.directory, from))
    const bytes = Buffer.concat(frames.map(({ type, body }) => frame(type, body)))
    return pieces(bytes.subarray(0, Math.min(bytes.length, this.bytesMax)), this.pieceBytes)
  }

  async agrees(_session: string, size: number, root: string): Promise<boolean> {
    const view = await followLog(this.directory)
    const own = await treeRoot(size, (level, from, to) => view.hashes(level, from, to))
    await view.close()
    this.confirmed.push(size)
    return this.agreeing ?? formatHex(own) === root
  }

  async checkpoint(): Promise<string | undefined> {
    const view = await followLog(this.directory)
    return view.checkpoint().finally(() => view.close())
  }
}

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) {
    await new Promise((resolve) => setImmediate(resolve))
    yield bytes.subarray(at, at + length)
  }
}
