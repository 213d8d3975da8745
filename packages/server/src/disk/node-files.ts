import {
  close,
  closeSync,
  constants,
  fdatasync,
  fstat,
  fstatSync,
  fsync,
  ftruncate,
  mkdir,
  open,
  openSync,
  read,
  readdir,
  readSync,
  rename,
  unlink,
  watch,
  write,
  writeSync,
} from "node:fs"
import { promisify } from "node:util"
import type { FileSystem, OpenFile, Opening, Written } from "./file-system.ts"
import { lockDirectory } from "./lock.ts"

const openFile = promisify(open)
const closeFile = promisify(close)
const statFile = promisify(fstat)
const syncFile = promisify(fsync)
const truncateFile = promisify(ftruncate)
const makeDirectory = promisify(mkdir)
const listDirectory = promisify(readdir)
const renameFile = promisify(rename)
const removeFile = promisify(unlink)

const { O_RDONLY, O_RDWR, O_CREAT, O_TRUNC, O_DIRECT } = constants
const flagsOf = {
  read: O_RDONLY,
  write: O_RDWR | O_CREAT,
  replace: O_RDWR | O_CREAT | O_TRUNC,
} as const

/** A file of the machine: the calls of node:fs, one for one. */
class NodeFile implements OpenFile {
  readonly direct: boolean
  readonly #fd: number

  constructor(fd: number, direct: boolean) {
    this.#fd = fd
    this.direct = direct
  }

  read(target: Uint8Array, from: number, length: number, at: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#fd, target, from, length, at, (error, bytesRead) => {
        if (error === null) resolve(bytesRead)
        else reject(error)
      })
    })
  }

  readNow(target: Uint8Array, length: number, at: number): number {
    return readSync(this.#fd, target, 0, length, at)
  }

  write(bytes: Uint8Array, from: number, length: number, at: number, done: Written): void {
    write(this.#fd, bytes, from, length, at, done)
  }

  writeNow(bytes: Uint8Array, length: number, at: number): number {
    return writeSync(this.#fd, bytes, 0, length, at)
  }

  syncData(done: (error: NodeJS.ErrnoException | null) => void): void {
    fdatasync(this.#fd, done)
  }

  sync(): Promise<void> {
    return syncFile(this.#fd)
  }

  truncate(bytes: number): Promise<void> {
    return truncateFile(this.#fd, bytes)
  }

  async size(): Promise<number> {
    return (await statFile(this.#fd)).size
  }

  close(): Promise<void> {
    return closeFile(this.#fd)
  }
}

/** A file that is read at once, on this thread. */
export interface FileNow {
  /** Gives how many bytes were read; 0 at the end. */
  read(target: Uint8Array, length: number, at: number): number
  size(): number
  close(): void
}

/** Opens a file for a caller that cannot wait. */
export function openNow(path: string): FileNow {
  const fd = openSync(path, O_RDONLY)
  return {
    read: (target, length, at) => readSync(fd, target, 0, length, at),
    size: () => fstatSync(fd).size,
    close: () => closeSync(fd),
  }
}

/**
 * The machine's own file system. What it makes is closed to others and may be read by its group: `postern init` opens the
 * data directory to its owner alone, the units of systemd open it to the reader and the courier, which run as other users.
 */
export const nodeFiles: FileSystem = {
  async open(path: string, { access, direct = false }: Opening): Promise<OpenFile> {
    const isDirect = direct && O_DIRECT !== undefined
    const flags = isDirect ? flagsOf[access] | O_DIRECT : flagsOf[access]
    return new NodeFile(await openFile(path, flags, 0o640), isDirect)
  },
  list: (path) => listDirectory(path),
  makeDirectory: (path) => makeDirectory(path, { recursive: true, mode: 0o750 }),
  rename: (from, to) => renameFile(from, to),
  remove: (path) => removeFile(path),
  // Platforms that cannot open directories (Windows) are not production ones.
  async syncDirectory(path) {
    const fd = await openFile(path, O_RDONLY)
    try {
      await syncFile(fd)
    } finally {
      await closeFile(fd)
    }
  },
  watch(path, changed) {
    const watcher = watch(path, changed)
    watcher.on("error", () => watcher.close())
    return watcher
  },
  lock: lockDirectory,
}
