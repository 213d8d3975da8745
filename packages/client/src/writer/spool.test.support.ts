import { randomBytes } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { encodeDisclosurePart } from "@postern/log/wire"
import type { NewFrame } from "./append-plan.ts"
import { recordHeaderBytes } from "./record.ts"
import { Spool, type SpoolSettings } from "./spool.ts"
import { endOf, type SpoolFrame } from "./spool-frame.ts"
import { systemWorld } from "./world.ts"

export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), "postern-spool-"))
}

export const small = { segmentBytes: 4096, segmentsMax: 4, isPreallocated: false }

export function openSpool(
  directory: string,
  settings: Partial<SpoolSettings> = {},
): Promise<Spool> {
  return Spool.open({ ...small, directory, ...settings }, systemWorld)
}

/** Appends file by file, as an event buffer does; resolves with how many found room. */
export async function appendAll(spool: Spool, frames: readonly NewFrame[]): Promise<number> {
  let done = 0
  while (done < frames.length) {
    const more = await spool.append(frames.slice(done))
    if (more === 0) break
    done += more
  }
  return done
}

/** What another process would find if this one were killed now: the same files, without its lock. */
export function copyAsFound(directory: string): string {
  const copy = makeDirectory()
  for (const name of readdirSync(directory)) {
    const bytes = name.startsWith("lock.") ? undefined : readIfThere(join(directory, name))
    if (bytes !== undefined) writeFileSync(join(copy, name), bytes)
  }
  return copy
}

/** Files that are done with are removed in the background. */
function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/** The directory `after`, but of what was written since `before` only the first `bytes` bytes are there. */
export function tearLastWrite(before: string, after: string, bytes: number): void {
  for (const name of readdirSync(after)) {
    if (!name.startsWith("segment-")) continue
    const now = readFileSync(join(after, name))
    const then = readdirSync(before).includes(name)
      ? readFileSync(join(before, name))
      : Buffer.alloc(0)
    const different = firstDifference(then, now)
    if (different === now.length) continue
    // A file that is used again holds an older record there, which may begin and end with the same bytes.
    const begin = now.lastIndexOf("pspool/1", different)
    const end = begin + recordHeaderBytes + now.readUInt32BE(begin + 8)
    let cut = begin + bytes
    while (cut < end && then.subarray(cut, end).equals(now.subarray(cut, end))) cut -= 1
    const torn = Buffer.concat([now.subarray(0, cut), then.subarray(cut)])
    writeFileSync(join(after, name), torn)
    return
  }
}

function firstDifference(a: Buffer, b: Buffer): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1
  return at
}

/** A frame of events of its own: `text` says which. */
export function makeFrame(text: string, count: number): NewFrame {
  const events = Array.from({ length: count }, (_, i) => Buffer.from(`{"id":"${text}.${i}"}`))
  const parts = events.flatMap((event) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(event.length)
    return [length, event]
  })
  return { kind: "batch", count, region: Buffer.concat(parts) }
}

/** A frame of one event with disclosures: a part for each size. */
export function makeLarge(text: string, sizes: readonly number[]): NewFrame {
  const parts = sizes.map((size, at) => {
    const part = Buffer.alloc(size, `${text}.${at}`)
    const body = encodeDisclosurePart({ digest: randomBytes(32), isMore: false, part })
    return Buffer.from(body)
  })
  return { ...makeFrame(text, 1), parts }
}

export interface OracleFrame {
  readonly position: number
  readonly frame: NewFrame
  state: "live" | "settled" | "dropped"
}

/** The spool as an array: everything that was ever appended. */
export class Oracle {
  readonly frames: OracleFrame[] = []

  get end(): number {
    const last = this.frames.at(-1)
    return last === undefined ? 0 : last.position + last.frame.count
  }

  append(frame: NewFrame): void {
    this.frames.push({ position: this.end, frame, state: "live" })
  }

  /** Settles frames up to a share of the live ones; the position where that ends. */
  settle(share: number): number | undefined {
    const open = this.frames.filter(({ state }) => state !== "settled")
    const last = open[Math.floor(share * open.length)]
    if (last === undefined) return undefined
    for (const each of open) if (each.position <= last.position) each.state = "settled"
    return last.position + last.frame.count
  }

  /** Frames that the spool no longer holds after dropOldest() are dropped; they must be the oldest beyond `protectedEnd`. */
  drop(spool: Spool): void {
    for (const each of this.frames) {
      if (each.state !== "live") continue
      if (spool.queue.find(each.position)?.kind === "gap") each.state = "dropped"
    }
  }

  async #hasParts(spool: Spool, frame: SpoolFrame, { parts = [] }: NewFrame): Promise<boolean> {
    if (frame.parts.length !== parts.length) return false
    for (const [at, part] of frame.parts.entries()) {
      const body = await spool.loadPart(frame, part)
      if (body === undefined || parts[at]?.equals(body) !== true) return false
    }
    return true
  }

  /** What is wrong with the spool: nothing live may be missing, nothing may be there twice, order and bytes are kept. */
  async faults(spool: Spool): Promise<string[]> {
    const faults: string[] = []
    let at = spool.anchor.position
    const seen = new Set<number>()
    for (const frame of [...spool.queue]) {
      if (frame.position !== at) faults.push(`a frame at ${frame.position}, not ${at}`)
      at = endOf(frame)
      if (frame.kind === "gap") continue
      const known = this.frames.find(({ position }) => position === frame.position)
      const region = await spool.load(frame)
      if (known === undefined || known.frame.count !== frame.count) faults.push("a foreign frame")
      else if (region?.equals(known.frame.region) !== true) faults.push(`other bytes at ${at}`)
      else if (!(await this.#hasParts(spool, frame, known.frame)))
        faults.push(`other parts at ${at}`)
      else if (known.state === "dropped") faults.push("a dropped frame came back")
      seen.add(frame.position)
    }
    if (at !== spool.end || at !== this.end) faults.push(`ends at ${at}, not ${this.end}`)
    for (const { position, state } of this.frames) {
      if (state === "live" && !seen.has(position)) faults.push(`lost the frame at ${position}`)
    }
    return faults
  }
}

export function remove(...directories: readonly string[]): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
}
