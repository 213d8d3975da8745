import { basename } from "node:path"
import { equalBytes, isPosternError, type PosternError } from "@postern/log/base"
import {
  checkLocked,
  type Head,
  listSegments,
  nodeFiles,
  type OnDamage,
  openSegment,
  type ReadSlot,
  readSegmentStart,
  type SegmentStart,
  segmentPath,
  walkSlots,
} from "../../disk/index.ts"
import type { DirectoryDraft } from "./checks.ts"
import { describeRemains, findLaterSlot, writtenSegments } from "./wreckage.ts"

/** Who looks at what the walk finds, in the order of the log. */
export interface WalkVisitor {
  /** A segment begins; `start` is undefined if it cannot be read. */
  segment(first: number, start: SegmentStart | undefined): void
  /** The next slot. Its views hold until the promise settles. */
  slot(slot: ReadSlot, segmentFirst: number): Promise<void>
  /** Entries `[from, to)` cannot be read; what follows does not follow from what was seen. */
  hole(from: number, to: number): void
  /** Entries `[from, to)` are encrypted, and their key is not here; what follows continues them, if it is said to by their hashes. */
  locked(from: number, to: number): Promise<void>
}

/** Where the walk stands: what the next slot must continue. Undefined = not known after a hole. */
interface Position {
  slot: number | undefined
  size: number
  previous: Uint8Array | undefined
}

interface Segment {
  readonly first: number
  readonly start: SegmentStart | undefined
  readonly path: string
  /** Of the segment behind it. */
  readonly next: { readonly first: number; readonly slot: number | undefined } | undefined
}

type Stop =
  | { readonly why: "head" }
  /** `bytes`: how far the file goes; what an older generation left behind the place does not count. */
  | { readonly why: "unreadable"; readonly at: number; readonly bytes: number }
  | { readonly why: "order"; readonly at: number; readonly what: string }

/**
 * Walks every slot of the log from the first one up to the head (to the end, if there is none), checks that segments
 * and slots continue each other, and goes on behind damage where it can.
 */
export class LogWalk {
  readonly #directory: string
  readonly #head: Head | undefined
  readonly #draft: DirectoryDraft
  readonly #visitor: WalkVisitor
  readonly #damage = new Set<string>()
  #position: Position = { slot: 0, size: 0, previous: new Uint8Array(32) }
  #begin = 0
  /** Since the entry with this index nothing could be read. */
  #lostFrom: number | undefined
  /** Offset behind the last slot, and the segment that it is in. */
  end: { readonly segment: number; readonly at: number } | undefined
  last: ReadSlot["header"] | undefined

  constructor(
    directory: string,
    head: Head | undefined,
    draft: DirectoryDraft,
    visitor: WalkVisitor,
    /** The segment with which the log begins, if that is not the first one that there ever was. */
    begin?: SegmentStart,
  ) {
    if (begin !== undefined) {
      const { slot, first: size, previous } = begin
      this.#position = { slot, size, previous }
      this.#begin = size
    }
    this.#directory = directory
    this.#head = head
    this.#draft = draft
    this.#visitor = visitor
  }

  async run(): Promise<void> {
    // In this order: the port writes a segment's .start before its first slot.
    const isLater = (first: number) => first >= this.#begin
    const written = (await writtenSegments(this.#directory)).filter((name) =>
      isLater(Number(name.slice(0, 16))),
    )
    const firsts = (await listSegments(this.#directory)).filter(isLater)
    const known = new Set(firsts.map((first) => basename(this.#path(first))))
    for (const name of written.filter((one) => !known.has(one))) {
      this.#draft.fail("segments", "segment-without-start", name, "it has no .start beside it")
    }
    let start = await this.#readStart(firsts[0])
    for (const [i, first] of firsts.entries()) {
      const nextFirst = firsts[i + 1]
      const nextStart = await this.#readStart(nextFirst)
      const next = nextFirst === undefined ? undefined : { first: nextFirst, slot: nextStart?.slot }
      const path = this.#path(first)
      if (await this.#walkSegment({ first, start, path, next })) return
      start = nextStart
    }
    this.#missTheHead()
  }

  #path(first: number): string {
    return segmentPath(this.#directory, first, "seg")
  }

  async #readStart(first: number | undefined): Promise<SegmentStart | undefined> {
    if (first === undefined) return undefined
    try {
      return await readSegmentStart(this.#directory, first)
    } catch (error) {
      if (!isPosternError(error)) throw error
      const where = basename(segmentPath(this.#directory, first, "start"))
      this.#draft.fail("segments", "start-unreadable", where, "it is not what the port writes")
      return undefined
    }
  }

  /** The segments are all read, and the slot that the head names was not among them. */
  #missTheHead(): void {
    const from = this.#lostFrom ?? this.#position.size
    if (this.#head !== undefined) this.#visitor.hole(from, this.#head.size)
  }

  /** Returns true once the slot that the head names was visited. */
  async #walkSegment(segment: Segment): Promise<boolean> {
    this.#enter(segment)
    if (await this.#passLocked(segment)) return false
    const generation = segment.start?.generation
    for (let at: number | undefined = 0; at !== undefined; ) {
      const stop = await this.#visitSlots(segment, at, generation)
      if (stop.why === "head") return true
      if (this.#endsHere(segment)) break
      at = await this.#step(segment, stop)
    }
    return false
  }

  /** A sealed segment that nobody can open here: whether it was one. */
  async #passLocked({ path, first, next }: Segment): Promise<boolean> {
    if (next === undefined) return false
    const lock = await findLock(path)
    if (lock === undefined) return false
    this.#draft.cannot("segments", lock.hint)
    this.#draft.cannot("slots", lock.message)
    await checkLocked(path, this.#onDamage)
    await this.#visitor.locked(first, next.first)
    this.#position = { slot: next.slot, size: next.first, previous: undefined }
    return true
  }

  #enter({ first, start, path }: Segment): void {
    const draft = this.#draft
    draft.count("segments")
    const where = basename(path)
    if (this.#lostFrom !== undefined) {
      this.#visitor.hole(this.#lostFrom, first)
      this.#lostFrom = undefined
      this.#position = { slot: start?.slot, size: first, previous: start?.previous }
    } else if (first !== this.#position.size) {
      const { size } = this.#position
      const missing = `entries ${size} to ${first} are in no segment`
      const what = first > size ? missing : `the segments before it reach to entry ${size} already`
      draft.fail("segments", first > size ? "segment-missing" : "segment-overlap", where, what)
      this.#visitor.hole(Math.min(size, first), Math.max(size, first))
      this.#position = { slot: start?.slot, size: first, previous: start?.previous }
    } else if (start !== undefined) {
      const { slot, previous } = this.#position
      if (slot !== undefined && slot !== start.slot) {
        const what = `slot ${slot} comes next, its .start says ${start.slot}`
        draft.fail("segments", "start-contradicts", where, what)
      }
      if (previous !== undefined && !equalBytes(previous, start.previous)) {
        const what = "its .start has another hash of the slot before"
        draft.fail("segments", "start-contradicts", where, what)
      }
    }
    this.#visitor.segment(first, start)
  }

  async #visitSlots(segment: Segment, from: number, generation?: number): Promise<Stop> {
    const slots = openSlots(segment.path, from, this.#onDamage)
    try {
      for (;;) {
        const step = await slots.next()
        if (step.done === true) return { why: "unreadable", ...step.value }
        const { header, at } = step.value
        generation ??= header.generation
        if (header.generation !== generation) return { why: "unreadable", at, bytes: at }
        const disorder = this.#disorder(header)
        if (disorder !== undefined) return { why: "order", at, what: disorder }
        await this.#visit(step.value, segment)
        if (header.slot === this.#head?.slot) return { why: "head" }
      }
    } finally {
      await slots.return({ at: 0, bytes: 0 })
    }
  }

  async #visit(slot: ReadSlot, { path, first }: Segment): Promise<void> {
    const { header, at, hash } = slot
    const { previous } = this.#position
    const where = `${basename(path)} byte ${at}, slot ${header.slot}`
    if (previous !== undefined && !equalBytes(previous, header.previous)) {
      this.#draft.fail("slots", "slot-chain", where, "it names another slot before it")
    }
    this.#draft.count("slots")
    await this.#visitor.slot(slot, first)
    // Copied: what was read is a view of what is read next.
    this.#position = {
      slot: header.slot + 1,
      size: header.first + header.entries,
      previous: new Uint8Array(hash),
    }
    this.end = { segment: first, at: at + header.bytes }
    this.last = { ...header, root: new Uint8Array(header.root) }
  }

  #disorder({ slot, first }: ReadSlot["header"]): string | undefined {
    const expected = this.#position
    if (slot === (expected.slot ?? slot) && first === expected.size) return undefined
    const comes = expected.slot === undefined ? "" : `slot ${expected.slot} with `
    return `slot ${slot} with entry ${first} stands where ${comes}entry ${expected.size} should`
  }

  /** Whether the segment has given everything that belongs in it. */
  #endsHere({ next }: Segment): boolean {
    if (next === undefined) return this.#head === undefined
    const { slot, size } = this.#position
    return size === next.first && (slot === undefined || slot === (next.slot ?? slot))
  }

  /** Says what is wrong at a place, and gives the offset at which the segment can be read again. */
  async #step(segment: Segment, stop: Exclude<Stop, { why: "head" }>): Promise<number | undefined> {
    const { next, path } = segment
    const { slot, size } = this.#position
    const where = `${basename(path)} byte ${stop.at}`
    if (stop.why === "order") {
      this.#draft.fail("slots", "slot-order", where, stop.what)
      this.#lostFrom = size
      return undefined
    }
    const remains = await describeRemains(path, stop.at, stop.bytes, this.#onDamage)
    if (remains === undefined) {
      // The next segment goes on here, whatever number its .start gives the slot.
      if (size === next?.first) return undefined
      this.#failAtEnd(segment, where)
      this.#lostFrom = size
      return undefined
    }
    const missing = `entry ${size} should follow${slot === undefined ? "" : ` in slot ${slot}`}`
    this.#draft.fail("slots", remains.code, where, `${remains.what}; ${missing}`)
    const generation = segment.start?.generation
    const takes = ({ header }: ReadSlot): boolean => {
      const behind = header.slot > (slot ?? -1) && header.first >= size
      const before = header.slot < (next?.slot ?? this.#slotsEnd())
      return behind && before && header.generation === (generation ?? header.generation)
    }
    const later = await findLaterSlot(path, stop.at, takes, this.#onDamage)
    if (later === undefined) {
      this.#lostFrom = size
      return undefined
    }
    this.#visitor.hole(size, later.first)
    this.#position = { slot: later.slot, size: later.first, previous: undefined }
    return later.at
  }

  /** Nothing is left of what should follow. */
  #failAtEnd({ next }: Segment, where: string): void {
    const { size } = this.#position
    if (next === undefined) {
      const head = this.#head?.size ?? size
      const what = `the log ends at ${size} entries, the head says ${head}`
      this.#draft.fail("slots", "log-short", where, what)
    } else {
      const missing = `entries ${size} to ${next.first}, which should follow, are not there`
      const what = `${missing}: it was cut off, or a segment is gone`
      this.#draft.fail("segments", "entries-missing", where, what)
    }
  }

  /** A compressed segment that cannot be read as such. A place is looked at more than once. */
  readonly #onDamage: OnDamage = ({ detail = "" }) => {
    if (this.#damage.has(detail)) return
    this.#damage.add(detail)
    const end = detail.indexOf(".segz") + 5
    const where = basename(detail.slice(0, end))
    this.#draft.fail("segments", "compressed-damaged", where, detail.slice(end))
  }

  #slotsEnd(): number {
    return (this.#head?.slot ?? Number.MAX_SAFE_INTEGER) + 1
  }
}

/** Why a segment cannot be opened here, if that is all that is the matter with it. */
async function findLock(path: string): Promise<PosternError | undefined> {
  let lock: PosternError | undefined
  const told: OnDamage = (error) => {
    if (error.code === "SEGMENT_LOCKED") lock = error
  }
  try {
    const segment = await openSegment(path, nodeFiles, told)
    try {
      await segment.read(new Uint8Array(1), 0, 1, 0)
    } finally {
      await segment.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
  }
  return lock
}

/** As walkSlots, for a file that may be gone. */
async function* openSlots(
  path: string,
  from: number,
  onDamage: OnDamage,
): ReturnType<typeof walkSlots> {
  try {
    return yield* walkSlots(path, from, nodeFiles, onDamage)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    return { at: from, bytes: 0 }
  }
}
