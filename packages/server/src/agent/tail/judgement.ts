/** What is seen of an open file at its end. */
export interface Seen {
  /** Bytes that it has now. */
  readonly size: number
  /** Bytes that it had when it was last looked at. */
  readonly sizeBefore: number
  /** Where reading goes on. */
  readonly read: number
  /** Whether the bytes before `read` are those that were read. */
  readonly isSame: boolean
  /** Inode of what the path names now; undefined: nothing. */
  readonly inodeAtPath: string | undefined
  readonly inode: string
}

export type Judgement =
  /** Cut, and perhaps written to again: it is read from its beginning. @param isLost something had not been read */
  | { readonly kind: "cut"; readonly isLost: boolean }
  /** The path names another file, or none: nobody writes to this one much longer. */
  | { readonly kind: "left" }
  | { readonly kind: "here" }

export function judgeFile({ size, sizeBefore, read, isSame, inodeAtPath, inode }: Seen): Judgement {
  if (size < read || !isSame) return { kind: "cut", isLost: sizeBefore > read }
  return { kind: inodeAtPath === inode ? "here" : "left" }
}
