/** How far a file was read. */
export interface FilePlace {
  /** Where a reader that knows nothing of what stands before can begin: the start of a record that belongs to none before it. */
  readonly offset: number
  /** Events behind the offset that were handed on already. */
  readonly skip: number
  /** Name of the format, once it was recognised. */
  readonly format?: string | undefined
}

/** A file and how far it was read. */
export interface FileMark extends FilePlace {
  /** In this snapshot and its steps. */
  readonly id: number
  readonly path: string
  /** Numbers of its device and its inode. */
  readonly inode: string
  /** Of the bytes at the beginning of the file and before `printedAt`, which may lie before the offset: hex. */
  readonly print: string
  readonly printedAt: number
}

export interface Positions {
  /** Events that the spool had been given. */
  readonly taken: number
  readonly files: readonly FileMark[]
}

/** Events that are handed on, and where their file stands then. */
export interface Step {
  /** Undefined: events that the agent says of itself. */
  readonly file?: { readonly id: number; readonly place: FilePlace } | undefined
  readonly events: number
}
