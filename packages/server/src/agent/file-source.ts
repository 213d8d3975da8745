import { type FSWatcher, watch } from "node:fs"
import { glob, readdir, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { type Format, formats } from "../formats/index.ts"
import type { Tell } from "../lifetime/index.ts"
import { type FileMark, replay } from "./positions/index.ts"
import { PositionsFile } from "./positions-file.ts"
import { countOf, type Outgoing } from "./pressure/index.ts"
import type { FileIntake, SourceSettings } from "./settings/index.ts"
import type { Source, SourceWord, WayOut } from "./source.ts"
import { isPattern, watchedDirectory } from "./tail/index.ts"
import { inodeOf, type Progress, TailedFile, type TailPace } from "./tailed-file.ts"

export interface FilePace extends TailPace {
  /** Files are looked at so often even if nobody says that they changed; directories are listed at most so often. */
  readonly pollMs: number
  readonly listMs: number
  /** Between two snapshots while something happens. */
  readonly snapshotMs: number
}

const usualPace: FilePace = {
  ...{ pollMs: 250, listMs: 1_000, snapshotMs: 5_000 },
  ...{ leftMs: 5_000, idleMs: 1_000 },
}
const fullMs = 100
/** Small, so that what it becomes is written before anything of it grows old. */
const bufferBytes = 65_536
/** Of one file before the others have their turn. */
const buffersMax = 32
/** Events in memory that the spool has not written. */
const unwrittenMax = 6_000
const filesMax = 1_000
/** For files of an earlier process that are not where they were. */
const looksMax = 3

/** Files that grow: each line of each of them once into the spool, whatever happens in between. */
export class FileSource implements Source {
  readonly over = new Promise<void>(() => undefined)
  readonly #settings: SourceSettings
  readonly #intake: FileIntake
  readonly #format: Format | undefined
  readonly #outbound: WayOut
  readonly #tell: Tell
  readonly #pace: FilePace
  readonly #positions: PositionsFile
  readonly #buffer = Buffer.allocUnsafe(bufferBytes)
  /** By inode number. */
  readonly #files = new Map<string, TailedFile>()
  readonly #passedOver = new Set<string>()
  #nextId = 0
  #isStopping = false
  #running: Promise<void> = Promise.resolve()
  #wake: () => void = () => undefined
  #watcher: FSWatcher | undefined
  #listedMs = Number.NEGATIVE_INFINITY
  #snapshotMs = Number.NEGATIVE_INFINITY
  #isMoved = false
  #problem: string | undefined

  constructor(
    settings: SourceSettings,
    intake: FileIntake,
    format: Format | undefined,
    outbound: WayOut,
    tell: Tell,
    pace: FilePace = usualPace,
  ) {
    this.#settings = settings
    this.#intake = intake
    this.#format = format
    this.#outbound = outbound
    this.#tell = tell
    this.#pace = pace
    this.#positions = new PositionsFile(settings.directory)
  }

  async start(): Promise<void> {
    this.#watch()
    this.#running = this.#run().catch((error) => this.#failed(error))
  }

  word(): SourceWord {
    const files = [...this.#files.values()]
    return {
      state: this.#outbound.isFull ? "full" : this.#problem === undefined ? "reading" : "failing",
      problem: this.#problem,
      lagBytes: files.reduce((sum, { lagBytes }) => sum + lagBytes, 0),
      files: files.map(({ path, read, size }) => ({ path, read, size })),
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#wake()
    this.#watcher?.close()
    await this.#running
    for (const file of this.#files.values()) await file.close()
    this.#positions.close()
  }

  /** A hint only: what it does not say, the next look finds. */
  #watch(): void {
    try {
      this.#watcher = watch(watchedDirectory(this.#intake.pattern), () => this.#wake())
      this.#watcher.on("error", () => this.#watcher?.close())
    } catch {
      // No such directory yet, or no more watches to be had: polling finds everything.
    }
  }

  #failed(error: unknown): void {
    this.#problem = String(error)
    this.#tell("error", `source ${this.#settings.name} stopped reading`, { error: String(error) })
  }

  async #run(): Promise<void> {
    await this.#begin()
    while (!this.#isStopping) {
      const isBusy = await this.#round()
      if (!this.#isStopping) await this.#lookAround()
      if (!isBusy) await this.#pause(this.#pace.pollMs)
    }
    if (!this.#isMoved || this.#outbound.isFull) return
    await this.#writeSnapshot().catch((error) => {
      // The steps are written down, so nothing is lost by it.
      this.#problem = `positions cannot be kept: ${error}`
    })
  }

  async #begin(): Promise<void> {
    const text = this.#positions.read()
    const known = text === undefined ? undefined : replay(text, this.#outbound.taken)
    if (known === undefined) {
      if (text !== undefined) this.#tell("warn", `${this.#settings.name}: positions cannot be read`)
      await this.#discover(this.#intake.start === "end")
      return this.#snapshot()
    }
    await this.#whenPossible(() => this.#positions.write(known))
    await this.#tellGone(await this.#resume(known.files))
    await this.#snapshot()
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isStopping) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => undefined
  }

  /** Each file's turn; false if none had anything. */
  async #round(): Promise<boolean> {
    let isBusy = false
    for (const file of [...this.#files.values()]) {
      const isQuiet = !(await this.#turn(file))
      if (isQuiet && !this.#isStopping) await this.#rest(file)
      if (!isQuiet) isBusy = true
    }
    return isBusy
  }

  async #turn(file: TailedFile): Promise<boolean> {
    for (let turn = 0; turn < buffersMax && !this.#isStopping; turn++) {
      const progress = await file.next(this.#buffer)
      if (progress === undefined) return turn > 0
      await this.#handOn(file, progress)
    }
    return true
  }

  async #rest(file: TailedFile): Promise<void> {
    const isFinished = file.isFinished(this.#listedMs)
    const progress = file.rest(isFinished)
    if (progress !== undefined) await this.#handOn(file, progress)
    if (!isFinished || this.#isStopping) return
    this.#files.delete(file.inode)
    await file.close()
    await this.#snapshot()
  }

  /** Writes down what comes, then gives it to the spool, as soon as that has room. */
  async #handOn(file: TailedFile, { place, items, isAnew }: Progress): Promise<void> {
    if (items.length > 0 || isAnew) {
      this.#isMoved = true
      const step = { file: { id: file.id, place }, events: countOf(items) }
      await this.#whenPossible(() => this.#positions.append(step))
    }
    await this.#put(items)
    while (this.#outbound.unwritten > unwrittenMax && !this.#isStopping) await this.#pause(1)
    if (isAnew || this.#positions.isLong) await this.#snapshot()
  }

  /** A full spool is waited for. */
  async #put(items: readonly Outgoing[]): Promise<void> {
    for (let at = 0; at < items.length && !this.#isStopping; ) {
      at += this.#outbound.put(items, at)
      if (at < items.length) await this.#pause(fullMs)
    }
  }

  /** A full disk is waited for. */
  async #whenPossible(act: () => void | Promise<void>): Promise<void> {
    while (!this.#isStopping) {
      try {
        await act()
        this.#problem = undefined
        return
      } catch (error) {
        this.#problem = `positions cannot be kept: ${error}`
        await this.#pause(fullMs)
      }
    }
  }

  /** Beside the reading: new files, what is to be said of the spool, snapshots. */
  async #lookAround(): Promise<void> {
    const now = performance.now()
    if (now - this.#listedMs >= this.#pace.listMs) {
      this.#listedMs = now
      const before = this.#files.size
      await this.#discover(false)
      if (this.#files.size !== before) await this.#snapshot()
    }
    if (!this.#outbound.isFull) await this.#say(this.#outbound.notices())
    if (this.#isMoved && now - this.#snapshotMs >= this.#pace.snapshotMs) await this.#snapshot()
  }

  /** What no file says: it counts in the spool all the same. */
  async #say(items: readonly Outgoing[]): Promise<void> {
    if (items.length === 0) return
    await this.#whenPossible(() => this.#positions.append({ events: countOf(items) }))
    await this.#put(items)
  }

  #snapshot(): Promise<void> {
    return this.#whenPossible(() => this.#writeSnapshot())
  }

  /** Everything that was handed on is on stable storage first, so that no power failure leaves a place behind what the spool holds. */
  async #writeSnapshot(): Promise<void> {
    const { taken } = this.#outbound
    await this.#outbound.spooled()
    const files: FileMark[] = []
    for (const file of this.#files.values()) files.push(await file.mark())
    await this.#positions.write({ taken, files })
    this.#isMoved = false
    this.#snapshotMs = performance.now()
  }

  /**
   * Finds the files of an earlier process again: by inode and print, or, if they were copied and cut, by the print alone. Gives those
   * that are not there any more.
   */
  async #resume(marks: readonly FileMark[]): Promise<readonly FileMark[]> {
    const open = new Map<string, TailedFile>()
    let gone = marks
    // A file may be renamed between being listed and being opened: it is found by the next look.
    for (let look = 0; look < looksMax && (look === 0 || gone.length > 0); look++) {
      if (look > 0) await this.#pause(this.#pace.pollMs)
      gone = await this.#findAgain(gone, open)
    }
    const named = await this.#paths()
    for (const file of open.values()) {
      if (named.includes(file.path)) await this.#add(file)
      else await file.close()
    }
    return gone
  }

  /** @param open files of none of the marks; those that are found are taken out, the others put in */
  async #findAgain(
    marks: readonly FileMark[],
    open: Map<string, TailedFile>,
  ): Promise<readonly FileMark[]> {
    for (const path of new Set([...(await this.#paths()), ...(await neighboursOf(marks))])) {
      const file = await this.#open(path, new Map([...open, ...this.#files]))
      if (file !== undefined) open.set(file.inode, file)
    }
    const gone: FileMark[] = []
    for (const mark of marks) {
      const format = this.#format === undefined ? formats.get(mark.format ?? "") : undefined
      const file = await resumed(mark, open, format)
      if (file === undefined) gone.push(mark)
      else {
        open.delete(file.inode)
        this.#files.set(file.inode, file)
      }
    }
    return gone
  }

  #tellGone(gone: readonly FileMark[]): Promise<void> {
    const losses = gone.map(({ path, offset }) => {
      const reason = `${path} went while nobody read; unknown what stood behind byte ${offset}`
      return { lost: 1, reason }
    })
    return this.#say(losses)
  }

  /** A copy of a file that is read already, made before that one is cut, has nothing new. */
  async #add(file: TailedFile): Promise<void> {
    for (const known of this.#files.values()) {
      if (await known.isCopiedBy(file)) await file.startAt(file.size)
    }
    this.#files.set(file.inode, file)
  }

  /** Opens what the pattern names and is not open yet. @param atEnd what is there already is not read */
  async #discover(atEnd: boolean): Promise<void> {
    for (const path of await this.#paths()) {
      if (this.#files.size >= filesMax) {
        this.#problem = `more than ${filesMax} files`
        return
      }
      const file = await this.#open(path, this.#files)
      if (file === undefined) continue
      if (atEnd) await file.startAtEnd()
      await this.#add(file)
    }
  }

  async #open(
    path: string,
    open: ReadonlyMap<string, TailedFile>,
  ): Promise<TailedFile | undefined> {
    try {
      const inode = inodeOf(await stat(path, { bigint: true }))
      const known = open.get(inode)
      if (known?.isLeft === true && known.path !== path) known.moveTo(path)
      if (known !== undefined || this.#passedOver.has(`${inode} ${path}`)) return undefined
      const { source } = this.#outbound
      const file = await TailedFile.open({
        ...{ id: this.#nextId, path, source, format: this.#format, pace: this.#pace },
      })
      if (file === undefined) {
        this.#passedOver.add(`${inode} ${path}`)
        return undefined
      }
      if (open.has(file.inode)) {
        await file.close()
        return undefined
      }
      this.#nextId += 1
      return file
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // It went between being listed and being opened, or is not there yet.
      if (code !== "ENOENT" && code !== "ENOTDIR") this.#problem = `${path}: ${error}`
      return undefined
    }
  }

  async #paths(): Promise<string[]> {
    const { pattern } = this.#intake
    if (!isPattern(pattern)) return [pattern]
    const paths: string[] = []
    for await (const path of glob(pattern)) paths.push(path)
    return paths.sort()
  }
}

/** Files with the inodes of those that are looked for, in the directories where they were: renamed ones. */
async function neighboursOf(marks: readonly FileMark[]): Promise<string[]> {
  const inodes = new Set(marks.map(({ inode }) => inode))
  const paths: string[] = []
  for (const directory of new Set(marks.map(({ path }) => dirname(path)))) {
    const names = await readdir(directory).catch((): string[] => [])
    for (const name of names.slice(0, 10 * filesMax)) {
      const path = join(directory, name)
      const seen = await stat(path, { bigint: true }).catch(() => undefined)
      if (seen !== undefined && inodes.has(inodeOf(seen))) paths.push(path)
    }
  }
  return paths
}

async function resumed(
  mark: FileMark,
  open: ReadonlyMap<string, TailedFile>,
  format: Format | undefined,
): Promise<TailedFile | undefined> {
  const own = open.get(mark.inode)
  if (own !== undefined && (await own.resume(mark, format))) return own
  if (mark.printedAt === 0) return undefined
  for (const file of open.values()) if (await file.resume(mark, format)) return file
  return undefined
}
