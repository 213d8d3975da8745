import { dirname, join } from "node:path"
import { equalBytes, isPosternError, PosternError } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { checkReceipt, parseReceiptCertificateText, parseReceiptFile } from "@postern/log/evidence"
import { parseNote } from "@postern/log/tlog"
import { followLog, type LogView } from "../../disk/index.ts"
import { type EpochBegan, epochBegan } from "./epoch.ts"

/** One epoch, as far as receipts can be held against it. */
export interface EpochView {
  readonly origin: string
  readonly vkey: string
  /** Entries that are there. */
  readonly size: number
  /** The leaf of an entry below `size`; undefined if it is kept somewhere that cannot be read from here. */
  leaf(index: number): Promise<Uint8Array | undefined>
}

/** What became of the entry that a receipt was given for. */
export interface ReceiptFinding {
  /**
   * `present`: it is there, byte for byte · `pruned`: it was removed by rule, and the log says so · `kept`: below the end of a closed epoch, not read here · `missing`: it was acknowledged and is not there ·
   * `other`: another entry stands in its place · `invalid`: no receipt of an epoch that is known here.
   */
  readonly state: "present" | "pruned" | "kept" | "missing" | "other" | "invalid"
  readonly origin: string | undefined
  readonly index: number | undefined
  /** Of the event: action, id and time; enough to find it where it came from. */
  readonly event:
    | { readonly id: unknown; readonly action: unknown; readonly time: unknown }
    | undefined
  readonly why: string
}

/** The log that a receipt says it is of; undefined if it is no receipt file. Nothing is checked. */
export function receiptOrigin(text: string): string | undefined {
  try {
    return parseReceiptCertificateText(parseNote(parseReceiptFile(text).certificate).text).origin
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

/** Holds the text of a receipt file against the epochs. Its signature is checked with the key of the epoch that it names. */
export async function judgeReceipt(
  text: string,
  epochs: readonly EpochView[],
): Promise<ReceiptFinding> {
  const origin = receiptOrigin(text)
  try {
    const epoch = epochs.find((one) => one.origin === origin)
    if (epoch === undefined) {
      throw new PosternError(
        "RECEIPT_INVALID",
        `nothing is known here of a log ${origin ?? "of no name"}`,
      )
    }
    const { index, leaf } = await checkReceipt(text, epoch.vkey)
    const { id, action, time } = parseEntry(leaf).event
    const about = { origin, index, event: { id, action, time } }
    return { ...about, ...(await judgeEntry(epoch, index, leaf)) }
  } catch (error) {
    if (!isPosternError(error)) throw error
    const why = error.message
    return { state: "invalid", origin, index: undefined, event: undefined, why }
  }
}

async function judgeEntry(epoch: EpochView, index: number, leaf: Uint8Array) {
  if (index >= epoch.size) {
    const why = `it was acknowledged; of ${epoch.origin} only ${epoch.size} entries are left`
    return { state: "missing", why } as const
  }
  const found = await leafUnlessPruned(epoch, index)
  if (found === "pruned") {
    const why = `it was acknowledged, and was removed by the retention rule of ${epoch.origin}`
    return { state: "pruned", why } as const
  }
  if (found === undefined) {
    const why = `it is below the end of ${epoch.origin}, which is not served here`
    return { state: "kept", why } as const
  }
  if (equalBytes(found, leaf)) return { state: "present", why: "it is in the log" } as const
  return { state: "other", why: "another entry stands in its place: keep the receipt" } as const
}

async function leafUnlessPruned(
  epoch: EpochView,
  index: number,
): Promise<Uint8Array | "pruned" | undefined> {
  try {
    return await epoch.leaf(index)
  } catch (error) {
    if (isPosternError(error) && error.code === "ENTRY_PRUNED") return "pruned"
    throw error
  }
}

/**
 * The epochs of an installation, newest first, from its own directories: the log and the closed ones beside it, each
 * found through the first entry of its successor. Errors: NOT_FOUND, LOG_FORMAT, LOG_DAMAGED.
 */
export async function openLocalEpochs(
  directory: string,
  vkey: string,
): Promise<{ epochs: EpochView[]; close(): Promise<void> }> {
  const epochs: EpochView[] = []
  const views: LogView[] = []
  const close = async (): Promise<void> => {
    for (const view of views) await view.close()
  }
  try {
    let next: { path: string; vkey: string; left: EpochBegan["left"] | undefined } | undefined
    next = { path: directory, vkey, left: undefined }
    while (next !== undefined) {
      const view = await openView(next.path)
      if (view !== undefined) views.push(view)
      else if (next.left === undefined) throw new PosternError("NOT_FOUND", `${next.path}: no log`)
      const origin: string = view?.origin ?? next.vkey.slice(0, next.vkey.indexOf("+"))
      epochs.push(viewOf(origin, next.vkey, view, next.left))
      const began: EpochBegan | undefined = view && (await readBegan(view))
      next = began && {
        path: join(dirname(directory), began.left.directory),
        vkey: began.previous.vkey,
        left: began.left,
      }
    }
    return { epochs, close }
  } catch (error) {
    await close()
    throw error
  }
}

function viewOf(
  origin: string,
  vkey: string,
  view: LogView | undefined,
  left: EpochBegan["left"] | undefined,
): EpochView {
  const size = left?.size ?? view?.head().size ?? 0
  const leaf = async (index: number) => (await view?.leaves(index, index + 1))?.[0]
  return { origin, vkey, size, leaf }
}

/** Undefined if there is no log any more: of a lost epoch nothing is left. */
async function openView(path: string): Promise<LogView | undefined> {
  try {
    return await followLog(path)
  } catch (error) {
    if (isPosternError(error) && error.code === "NOT_FOUND") return undefined
    throw error
  }
}

/** What the first entry says of the epoch before; undefined for the first epoch. */
async function readBegan(view: LogView): Promise<EpochBegan | undefined> {
  const [leaf] = await view.leaves(0, 1)
  return leaf && epochBegan(parseEntry(leaf).event)
}
