import type { OpenFile, Written } from "../../packages/server/dist/disk/index.js"
import type { Life } from "./simulated-disk.ts"
import { beginningOf, type SimulatedFile, sectorBytes } from "./simulated-file.ts"
import { systemError } from "./simulated-names.ts"

/** A simulated file that a process has open. */
export class OpenedFile implements OpenFile {
  readonly direct: boolean
  readonly #life: Life
  readonly #file: SimulatedFile
  #told: number
  #open = true
  #firstWrite = true

  constructor(life: Life, file: SimulatedFile, direct: boolean) {
    this.#life = life
    this.#file = file
    this.direct = direct
    this.#told = file.failures
    life.openFiles += 1
  }

  read(target: Uint8Array, from: number, length: number, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#ask("read", false, reject, () => {
        const bytes = this.#file.seen.subarray(at, at + length)
        target.set(bytes, from)
        resolve(bytes.length)
      })
    })
  }

  readNow(target: Uint8Array, length: number, at: number): number {
    const life = this.#life
    if (!life.step("read")) throw systemError("EINTR")
    const error = life.refusal("read", false)
    if (error !== undefined) throw error
    const bytes = this.#file.seen.subarray(at, at + length)
    target.set(bytes)
    return bytes.length
  }

  write(bytes: Uint8Array, from: number, length: number, at: number, done: Written): void {
    const life = this.#life
    const asked = bytes.subarray(from, from + length)
    const copy = Buffer.from(asked)
    const put = (part: Buffer): void => this.#file.write(part, at)
    life.ask({
      operation: "write",
      leave: () => put(beginningOf(copy, life.disk.decisions)),
      finish: () => {
        const wrong = this.#wrongWrite(asked, at)
        if (wrong !== undefined) return done(wrong, 0)
        if (copy.compare(asked) !== 0) throw new Error("memory of a write in flight has changed")
        const error = life.refusal("write", this.#takesRoom(at + length))
        // A call that fails has often done a part; one that succeeds may have done no more.
        const chance = life.disk.decisions
        const all = error === undefined && !chance.chance(life.faulty ? 0.2 : 0.02)
        const part = all ? copy : beginningOf(copy, chance)
        put(part)
        if (error !== undefined) done(error, 0)
        else done(null, part.length === 0 ? this.#rest(copy, put) : part.length)
      },
    })
  }

  /** No write ends well without having done anything. */
  #rest(copy: Buffer, put: (part: Buffer) => void): number {
    put(copy)
    return copy.length
  }

  #wrongWrite(asked: Uint8Array, at: number): NodeJS.ErrnoException | undefined {
    if (!this.#open) return systemError("EBADF")
    if (!this.direct) return undefined
    const isFirst = this.#firstWrite
    this.#firstWrite = false
    if (isFirst && this.#life.faults.direct === "refused-later") return systemError("EINVAL")
    const aligned = [asked.byteOffset, asked.length, at].every((n) => n % sectorBytes === 0)
    return aligned ? undefined : systemError("EINVAL")
  }

  #takesRoom(end: number): boolean {
    return this.#life.faults.copiesOnWrite || end > this.#file.size
  }

  writeNow(bytes: Uint8Array, length: number, at: number): number {
    const life = this.#life
    if (!life.step("write")) throw systemError("EINTR")
    const error = life.refusal("write", this.#takesRoom(at + length))
    if (error !== undefined) throw error
    this.#file.write(Buffer.from(bytes.subarray(0, length)), at)
    return length
  }

  syncData(done: (error: NodeJS.ErrnoException | null) => void): void {
    this.#sync(done)
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sync((error) => (error === null ? resolve() : reject(error)))
    })
  }

  /** Begins when its turn comes and ends when it comes again, so that writes may fall in between. */
  #sync(done: (error: NodeJS.ErrnoException | null) => void): void {
    const life = this.#life
    life.ask({
      operation: "sync",
      finish: () => {
        const end = this.#file.beginSync()
        life.ask({
          operation: "sync",
          finish: () => {
            if (life.faults.lies) return done(null)
            end(life.refusal("sync", false) === undefined)
            // Somebody else's failed sync is this file's failure too.
            const failed = this.#told < this.#file.failures
            this.#told = this.#file.failures
            done(failed ? systemError("EIO") : null)
          },
        })
      },
    })
  }

  truncate(bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ask("truncate", false, reject, () => {
        this.#file.truncate(bytes)
        resolve()
      })
    })
  }

  async size(): Promise<number> {
    return this.#file.size
  }

  async close(): Promise<void> {
    if (!this.#open) throw systemError("EBADF")
    this.#open = false
    this.#life.openFiles -= 1
  }

  #ask(
    operation: "read" | "truncate",
    takesRoom: boolean,
    fail: (error: unknown) => void,
    act: () => void,
  ): void {
    this.#life.ask({
      operation,
      finish: () => {
        const error = this.#open ? this.#life.refusal(operation, takesRoom) : systemError("EBADF")
        if (error !== undefined) fail(error)
        else act()
      },
    })
  }
}
