import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { formatBase64, isPosternError } from "@postern/log/base"
import { openCheckpoint } from "@postern/log/tlog"
import { decodeHead, openLogDirectory, readLastSigned } from "../../disk/index.ts"

/** Something that says how far the log once went. */
export interface KnownSize {
  readonly by: string
  readonly size: number
  /** Base64. */
  readonly root: string
}

export interface NoteFrom {
  readonly by: string
  readonly note: string
}

/** What is known of a log apart from its entries. */
export interface Known {
  /** Undefined if the directory is no log directory any more. */
  readonly origin: string | undefined
  readonly head: KnownSize | undefined
  readonly lastSigned: KnownSize | undefined
  /** Checkpoints whose signature is right, largest last. */
  readonly checkpoints: readonly (KnownSize & { readonly note: string })[]
}

/** Where something is written down about a log besides its directory. */
export interface Elsewhere {
  /** Checkpoints that were handed in: of a mirror, a witness, a monitor. */
  readonly notes: readonly NoteFrom[]
  /** Checkpoints that lie about; what is none of this log says nothing. */
  readonly remembered: readonly NoteFrom[]
  /** `signedMemory` of postern.yaml (docs/spec/disk.md). */
  readonly signedMemory: string | undefined
}

/**
 * Reads what a directory, damaged or gone, still says of itself, and what others say of it. What cannot be read says
 * nothing. Errors: NOTE_INVALID for a note that was handed in.
 */
export async function readKnown(
  directory: string,
  log: {
    readonly origin: string
    readonly vkey: string
    readonly olderKeys?: readonly string[]
  },
  { notes, remembered, signedMemory }: Elsewhere,
): Promise<Known> {
  const vkeys = [log.vkey, ...(log.olderKeys ?? [])]
  const checkpoints: (KnownSize & { note: string })[] = []
  for (const { by, note } of notes) checkpoints.push(await openNoteOf(by, note, vkeys))
  const own = await readFile(join(directory, "checkpoint"), "utf8").catch(() => "")
  for (const { by, note } of [...remembered, { by: "checkpoint", note: own }]) {
    const opened = await orNothing(() => openNoteOf(by, note, vkeys))
    if (opened !== undefined) checkpoints.push(opened)
  }
  checkpoints.sort((a, b) => a.size - b.size)
  const bytes = await readFile(join(directory, "head")).catch(() => Buffer.alloc(0))
  const head = decodeHead(bytes)
  const signed = await orNothing(() => readLastSigned(directory))
  const inDirectory = signed && { by: "last-signed", size: signed.size, root: signed.root }
  const memory = await readMemory(signedMemory, log.origin)
  return {
    origin: (await orNothing(() => openLogDirectory(directory)))?.origin,
    head: head && { by: "head", size: head.size, root: formatBase64(head.root) },
    lastSigned: larger(inDirectory, memory),
    checkpoints,
  }
}

/** Undefined also if it is that of another log. */
async function readMemory(
  file: string | undefined,
  origin: string,
): Promise<KnownSize | undefined> {
  if (file === undefined) return undefined
  const text = await readFile(file, "utf8").catch(() => "null")
  const { origin: of, size, root } = Object(parseJson(text)) as Readonly<Record<string, unknown>>
  if (of !== origin || typeof size !== "number" || typeof root !== "string") {
    return undefined
  }
  return { by: "signed-memory", size, root }
}

/** Undefined for what is not JSON: half a file says nothing. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function larger(a: KnownSize | undefined, b: KnownSize | undefined): KnownSize | undefined {
  return (a?.size ?? -1) >= (b?.size ?? -1) ? a : b
}

/** All that says how far the log went, largest first. */
export function knownSizes({ head, lastSigned, checkpoints }: Known): KnownSize[] {
  const signed = checkpoints.map(({ by, size, root }) => ({ by, size, root }))
  const sizes = [head, lastSigned, ...signed].filter((known) => known !== undefined)
  return sizes.sort((a, b) => b.size - a.size)
}

async function openNoteOf(by: string, note: string, vkeys: readonly string[]) {
  const { size, root } = await openCheckpoint(note, vkeys)
  return { by, size, root: formatBase64(root), note }
}

/** The directory is damaged: that is why we are here. Anything but a finding about it is still an error. */
async function orNothing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}
