/**
 * Everything that this room asks of a file system, and nothing else in it touches one: the log can be put on a disk that
 * tears and forgets, and shown to survive it. What is promised is what POSIX promises: a write may be lost until the
 * file is synced, a name until its directory is. Errors are those of Node (`code` is ENOENT, ENOSPC, EIO …).
 */
export interface FileSystem {
  open(path: string, opening: Opening): Promise<OpenFile>
  /** Names in a directory, in no order. */
  list(path: string): Promise<string[]>
  /** Makes a directory and those above it that are missing. Resolves to the topmost one that was made. */
  makeDirectory(path: string): Promise<string | undefined>
  /** Replaces what has the new name, if anything has, at once for everybody who looks. */
  rename(from: string, to: string): Promise<void>
  /** Takes a file's name away. Rejects with ENOENT if there is none. */
  remove(path: string): Promise<void>
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>
  /** Calls back after changes of a file, as a courtesy: some may be missed. */
  watch(path: string, changed: () => void): { close(): void }
  /** The kernel's exclusive lock, gone with the process. Throws if another one has it. */
  lock(path: string): { release(): void }
}

export interface Opening {
  /** `write` makes the file if there is none and reads too; `replace` empties it besides. */
  readonly access: "read" | "write" | "replace"
  /** Past the page cache; the caller's memory, lengths and places are aligned then. Rejects with EINVAL where there is no such thing. */
  readonly direct?: boolean
}

/** The caller of `write` and `syncData` hears of the end by a callback: they are what a commit waits for. */
export interface OpenFile {
  /** Whether it was opened past the page cache. */
  readonly direct: boolean
  /** Reads up to `length` bytes into `target` from `from` on. Resolves to how many; 0 at the end of the file. */
  read(target: Uint8Array, from: number, length: number, at: number): Promise<number>
  /** The same at once, on this thread: for a few bytes that the page cache has. */
  readNow(target: Uint8Array, length: number, at: number): number
  /** Writes up to `length` bytes, from `from` on, at the place `at` of the file. */
  write(bytes: Uint8Array, from: number, length: number, at: number, done: Written): void
  /** The same at once, on this thread: for a few bytes that go to the page cache. */
  writeNow(bytes: Uint8Array, length: number, at: number): number
  /** Data and what it takes to find it again (fdatasync). */
  syncData(done: (error: NodeJS.ErrnoException | null) => void): void
  /** Everything about the file but its name (fsync). */
  sync(): Promise<void>
  truncate(bytes: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export type Written = (error: NodeJS.ErrnoException | null, written: number) => void

/** Writes all of it, whatever part each call takes. */
export function writeAll(file: OpenFile, bytes: Uint8Array, at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      file.write(bytes, done, bytes.length - done, at + done, (error, written) => {
        if (error !== null) reject(error)
        else if (done + written < bytes.length) next(done + written)
        else resolve()
      })
    }
    next(0)
  })
}

/** Reads into `target` until it is full or the file ends. Resolves to the number of bytes. */
export async function readAll(
  file: Pick<OpenFile, "read">,
  target: Uint8Array,
  at: number,
): Promise<number> {
  let filled = 0
  while (filled < target.length) {
    const read = await file.read(target, filled, target.length - filled, at + filled)
    if (read === 0) break
    filled += read
  }
  return filled
}

/** A whole file, which is small. */
export async function readFile(files: FileSystem, path: string): Promise<Buffer> {
  const file = await files.open(path, { access: "read" })
  try {
    const bytes = Buffer.alloc(await file.size())
    return bytes.subarray(0, await readAll(file, bytes, 0))
  } finally {
    await file.close()
  }
}

/** The same; undefined if there is none. */
export async function readFileIfAny(files: FileSystem, path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(files, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}
