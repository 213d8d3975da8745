import { basename, dirname } from "node:path"
import { PosternError } from "@postern/log/base"
import type { FileSystem, OpenFile, Opening } from "../../packages/server/dist/disk/index.js"
import type { Decisions } from "../crash/decisions.ts"
import { type LifeFaults, noFaults, type Operation } from "./faults.ts"
import { OpenedFile } from "./opened-file.ts"
import { SimulatedFile } from "./simulated-file.ts"
import { SimulatedDirectory, systemError } from "./simulated-names.ts"

/** Something that a process asked for and that is not done yet. */
interface Pending {
  readonly operation: Operation
  /** What it does to the disk and to who asked. */
  finish(): void
  /** What a crash leaves of it; nothing if there is nothing to leave. */
  leave?(): void
}

/**
 * A disk in memory, for one process at a time. Requests are carried out one after the other, in an order that follows
 * from the seed and from nothing else; the process is torn away at an operation that was decided beforehand.
 */
export class SimulatedDisk {
  readonly root = new SimulatedDirectory()
  readonly decisions: Decisions
  /** What it did, for those who want to know how far the seed reaches. */
  readonly counts = new Map<Operation | "refused" | "crash", number>()
  #life: Life | undefined

  constructor(decisions: Decisions) {
    this.decisions = decisions
    // `postern init` made this one long ago.
    this.root.add("data", new SimulatedDirectory())
    this.root.beginSync()(true)
  }

  /** The disk for the next process. The one before it must have ended or crashed. */
  begin(faults: LifeFaults = noFaults): Life {
    this.#life = new Life(this, faults)
    return this.#life
  }

  /** The process is gone; what the kernel holds for it is still there. */
  kill(): void {
    this.#life?.crash()
  }

  /** The machine is gone as well: each sector that no sync covers is kept with a probability, each name too. */
  losePower(kept: number): void {
    this.kill()
    this.root.losePower(this.decisions, kept)
  }

  count(what: Operation | "refused" | "crash"): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  /** The directory with this path. Rejects with ENOENT if there is none. */
  directory(path: string): SimulatedDirectory {
    let found = this.root
    for (const step of path.split("/").filter((name) => name !== "")) {
      const next = found.names.get(step)
      if (!(next instanceof SimulatedDirectory)) throw systemError("ENOENT")
      found = next
    }
    return found
  }

  /** Takes a name away, as if it had never been given. */
  forget(path: string): void {
    this.directory(dirname(path)).forget(basename(path))
  }

  file(path: string): SimulatedFile | undefined {
    const found = this.directory(dirname(path)).names.get(basename(path))
    return found instanceof SimulatedFile ? found : undefined
  }

  /** What a power loss now would leave for sure of a file: undefined if its name may go. */
  stableFile(path: string): SimulatedFile | undefined {
    let found = this.root
    for (const step of dirname(path).split("/").slice(1)) {
      const next = found.stableNames.get(step)
      if (!(next instanceof SimulatedDirectory)) return undefined
      found = next
    }
    const file = found.stableNames.get(basename(path))
    return file instanceof SimulatedFile ? file : undefined
  }
}

const never = (): boolean => false
const always = (): boolean => true

/** The disk as one process sees it, until it crashes: then nothing that it asks for is ever answered. */
export class Life implements FileSystem {
  /** Resolves at the crash. */
  readonly crashed: Promise<"crashed">
  /** Whether an operation was refused or failed. */
  faulty = false
  /** The next operation of this kind fails. */
  failing: Operation | undefined
  openFiles = 0
  readonly disk: SimulatedDisk
  readonly faults: LifeFaults
  #alive = true
  #operations = 0
  #errorDone = false
  #pending: Pending[] = []
  #pumping = false
  #locks = new Set<string>()
  #announce: (word: "crashed") => void = () => undefined

  constructor(disk: SimulatedDisk, faults: LifeFaults) {
    this.disk = disk
    this.faults = faults
    this.crashed = new Promise((resolve) => {
      this.#announce = resolve
    })
  }

  get alive(): boolean {
    return this.#alive
  }

  get operations(): number {
    return this.#operations
  }

  crash(): void {
    if (!this.#alive) return
    this.#alive = false
    for (const { leave } of this.#pending) leave?.()
    this.#pending = []
    this.#announce("crashed")
  }

  /** Takes a request; one of those that wait is carried out at a time. */
  ask(pending: Pending): void {
    if (!this.step(pending.operation)) return
    this.#pending.push(pending)
    this.#pump()
  }

  /** One more operation. False if the process is gone, or goes now. */
  step(operation: Operation): boolean {
    if (!this.#alive) return false
    this.#operations += 1
    this.disk.count(operation)
    if (this.#operations >= this.faults.crashAt) {
      this.disk.count("crash")
      this.crash()
    }
    return this.#alive
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    setImmediate(() => {
      this.#pumping = false
      const at = this.disk.decisions.between(0, this.#pending.length)
      const [pending] = this.#pending.splice(at, 1)
      if (this.#alive) pending?.finish()
      if (this.#pending.length > 0) this.#pump()
    })
  }

  /** The error that this operation ends with, if it does. Taking room means to need more of it than before. */
  refusal(operation: Operation, takesRoom: boolean): NodeJS.ErrnoException | undefined {
    if (this.failing === operation) {
      this.failing = undefined
      return this.#refuse("EIO")
    }
    const { fullFrom, fullTo, errorAt } = this.faults
    if (takesRoom && this.#operations >= fullFrom && this.#operations < fullTo) {
      return this.#refuse("ENOSPC")
    }
    if (this.#errorDone || this.#operations < errorAt) return undefined
    this.#errorDone = true
    return this.#refuse("EIO")
  }

  #refuse(code: string): NodeJS.ErrnoException {
    this.faulty = true
    this.disk.count("refused")
    return systemError(code)
  }

  /** A request that is done at once when its turn comes, or fails. */
  #do<T>(operation: Operation, takesRoom: () => boolean, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.ask({
        operation,
        finish: () => {
          try {
            const error = this.refusal(operation, takesRoom())
            if (error !== undefined) throw error
            resolve(act())
          } catch (cause) {
            reject(cause)
          }
        },
      })
    })
  }

  open(path: string, { access, direct = false }: Opening): Promise<OpenFile> {
    const takesRoom = (): boolean => access !== "read" && this.disk.file(path) === undefined
    return this.#do("open", takesRoom, () => {
      if (direct && this.faults.direct === "refused") throw systemError("EINVAL")
      let file = this.disk.file(path)
      if (file === undefined) {
        if (access === "read") throw systemError("ENOENT")
        file = new SimulatedFile()
        this.disk.directory(dirname(path)).add(basename(path), file)
      } else if (access === "replace") file.truncate(0)
      return new OpenedFile(this, file, direct)
    })
  }

  list(path: string): Promise<string[]> {
    return this.#do("list", never, () => [...this.disk.directory(path).names.keys()])
  }

  makeDirectory(path: string): Promise<string | undefined> {
    return this.#do("make-directory", always, () => {
      let made: string | undefined
      let at = ""
      for (const step of path.split("/").slice(1)) {
        const parent = this.disk.directory(at)
        at = `${at}/${step}`
        if (parent.names.has(step)) continue
        parent.add(step, new SimulatedDirectory())
        made ??= at
      }
      return made
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#do("rename", always, () => {
      this.disk.directory(dirname(from)).rename(basename(from), basename(to))
    })
  }

  remove(path: string): Promise<void> {
    return this.#do("remove", never, () => {
      this.disk.directory(dirname(path)).remove(basename(path))
    })
  }

  syncDirectory(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let end = (_: boolean): void => undefined
      this.ask({
        operation: "sync-directory",
        finish: () => {
          try {
            end = this.disk.directory(path).beginSync()
          } catch (cause) {
            return reject(cause)
          }
          const error = this.refusal("sync-directory", false)
          end(error === undefined)
          if (error === undefined) resolve()
          else reject(error)
        },
      })
    })
  }

  watch(): { close(): void } {
    return { close: () => undefined }
  }

  lock(path: string): { release(): void } {
    if (this.#locks.has(path)) throw new PosternError("LOG_LOCKED", path)
    this.#locks.add(path)
    return { release: () => this.#locks.delete(path) }
  }
}
