import { decodeUtf8, equalBytes, isPosternError } from "@postern/log/base"
import { openReceiptCertificate, parseReceiptText, type Receipt } from "@postern/log/evidence"
import { openNote, parseNote } from "@postern/log/tlog"
import { batchKind, type ReadSlot } from "../../disk/index.ts"
import { sampleOf, type Thoroughness } from "./batch-check.ts"
import type { DirectoryDraft } from "./checks.ts"
import type { OwnEntry } from "./own-entry.ts"

/** A slot whose receipt the next one holds. */
interface Issued {
  readonly first: number
  readonly entries: number
  /** Undefined if the slot had no entry or its records are broken. */
  readonly rangeRoot: Uint8Array | undefined
}

export interface ReceiptLog {
  readonly origin: string
  /** Log keys that may have certified a receipt key in the entry at this index; undefined if no key is known. */
  readonly certifiers: ((index: number) => readonly string[]) | undefined
  /** Entries from here on stand under no checkpoint: their receipts are all that binds them, so each is looked at. */
  readonly signedSize: number
}

/** The receipts: each slot holds that of the slot before it, signed by a key that the log itself certifies. */
export class ReceiptCheck {
  readonly #draft: DirectoryDraft
  readonly #how: Thoroughness
  readonly #log: ReceiptLog
  /** Receipt keys by certificate; undefined for one that the log key did not sign. */
  readonly #keys = new Map<string, string | undefined>()
  /** Starts of the port that were read and not yet looked at. */
  readonly #started: {
    readonly entry: OwnEntry & { kind: "started" }
    readonly index: number
  }[] = []
  /** Starts of the port may stand where nobody can read them here: a receipt key that is not known need not be wrong. */
  #isLocked = false
  #before: Issued | undefined = { first: 0, entries: 0, rangeRoot: undefined }

  constructor(draft: DirectoryDraft, how: Thoroughness, log: ReceiptLog) {
    this.#draft = draft
    this.#how = how
    this.#log = log
    if (log.certifiers === undefined) {
      draft.cannot("receipt-signatures", "the log's verifier key was not given")
    }
  }

  hole(): void {
    this.#before = undefined
  }

  /** What comes is encrypted, and its key is not here. */
  locked(): void {
    this.hole()
    this.#isLocked = true
  }

  started(entry: OwnEntry & { kind: "started" }, index: number): void {
    this.#started.push({ entry, index })
  }

  /** @param rangeRoot of the slot's own entries */
  async slot(slot: ReadSlot, rangeRoot: Uint8Array | undefined, where: string): Promise<void> {
    // A receipt may be signed by the key that the very slot announces: the port has started in between.
    await this.#certify()
    const { first, entries } = slot.header
    const before = this.#before
    this.#before = { first, entries, rangeRoot }
    const note = decodeUtf8(slot.receipt) ?? ""
    if (before?.entries === 0) {
      if (slot.receipt.length > 0) {
        const what = "it holds a receipt, but the slot before has no entry"
        this.#draft.fail("receipts", "receipt-unexpected", where, what)
      }
      return
    }
    if (note === "" && isRestartInNewSegment(slot)) {
      this.#draft.addFact("receiptsNotKept", 1)
      return
    }
    if (before !== undefined || slot.receipt.length > 0) await this.#check(note, before, where)
  }

  async #check(note: string, before: Issued | undefined, where: string): Promise<void> {
    this.#draft.count("receipts")
    const receipt = this.#read(note, where)
    if (receipt === undefined) return
    if (before !== undefined) this.#compare(receipt, before, where)
    const unsigned = receipt.first + receipt.count > this.#log.signedSize
    const chosen = unsigned || this.#how.full || this.#how.chance() * sampleOf < 1
    if (chosen && this.#log.certifiers !== undefined) await this.#checkSignature(note, where)
  }

  #read(note: string, where: string): Receipt | undefined {
    try {
      return parseReceiptText(parseNote(note).text)
    } catch (error) {
      if (!isPosternError(error)) throw error
      const what = note === "" ? "the receipt of the slot before is missing" : error.message
      this.#draft.fail("receipts", note === "" ? "receipt-missing" : "receipt-syntax", where, what)
      return undefined
    }
  }

  #compare({ origin, first, count, root }: Receipt, before: Issued, where: string): void {
    if (origin !== this.#log.origin || first !== before.first || count !== before.entries) {
      const what = `it is for ${count} entries from ${first}, not ${before.entries} from ${before.first}`
      this.#draft.fail("receipts", "receipt-range", where, what)
    } else if (before.rangeRoot !== undefined && !equalBytes(root, before.rangeRoot)) {
      const what = "it has another range root than the slot before"
      this.#draft.fail("receipts", "receipt-root", where, what)
    }
  }

  async #checkSignature(note: string, where: string): Promise<void> {
    this.#draft.count("receipt-signatures")
    const keys = [...this.#keys.values()].filter((key) => key !== undefined)
    try {
      if (keys.length > 0) await openNote(note, keys)
      else this.#failSignature("receipt-key", where, "no key was certified for it")
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#failSignature("receipt-signature", where, error.message)
    }
  }

  #failSignature(code: string, where: string, what: string): void {
    if (this.#isLocked) {
      const reason = "the key that signed may stand in an entry whose key is not here"
      this.#draft.cannot("receipt-signatures", reason)
    } else this.#draft.fail("receipt-signatures", code, where, what)
  }

  async #certify(): Promise<void> {
    const { certifiers } = this.#log
    if (certifiers === undefined) return
    for (const { entry, index } of this.#started.splice(0)) {
      const { certificate, receiptKey } = entry
      const where = `entry ${index}`
      if (!this.#keys.has(certificate)) {
        await this.#openCertificate(certificate, certifiers(index), where)
      }
      const key = this.#keys.get(certificate)
      if (key === undefined || key === receiptKey) continue
      const what = "it names another receipt key than its certificate"
      this.#draft.fail("receipt-signatures", "receipt-key", where, what)
    }
  }

  async #openCertificate(
    certificate: string,
    vkeys: readonly string[],
    where: string,
  ): Promise<void> {
    this.#keys.set(certificate, undefined)
    try {
      this.#keys.set(certificate, await openReceiptCertificate(certificate, vkeys))
    } catch (error) {
      if (!isPosternError(error)) throw error
      this.#draft.fail("receipt-signatures", "receipt-certificate", where, error.message)
    }
  }
}

/**
 * A port that was killed between beginning a segment and its first slot does not know the receipt of the slot before:
 * its recovery reads the new segment only. Whoever that receipt was for has it.
 */
function isRestartInNewSegment({ at, rows }: ReadSlot): boolean {
  const [first] = rows
  return at === 0 && first?.kind === batchKind.port && first.open === first.first
}
