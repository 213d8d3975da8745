import type { Decoder, FormatWorld } from "./api.ts"
import { CsvProgress } from "./csv.ts"
import { HeldPieces } from "./held-pieces.ts"
import { membersOfPostgres } from "./pgaudit-members.ts"
import {
  type BuiltFormat,
  type GivePieces,
  type Piece,
  type PieceReader,
  pieceFormat,
  readObject,
} from "./pieces.ts"
import { csvStart, readCsvLine, readJsonLine, readTextLine } from "./postgres-line.ts"
import { parseObject } from "./record.ts"

const lines = pieceFormat(
  {
    name: "pgaudit",
    title: "log of PostgreSQL with pgAudit: stderr, csvlog, jsonlog, syslog",
    recognisedBy: '"AUDIT: SESSION," or "AUDIT: OBJECT," in a line, or a record of jsonlog',
  },
  () => new PostgresReader(),
)

/** PostgreSQL's log, with what pgAudit puts into it. A record that stands on several lines is one event. */
export const pgaudit: BuiltFormat = { ...lines, open: openPostgres }

function openPostgres(world: FormatWorld): Decoder {
  const decoder = lines.open(world)
  return {
    take(record, give) {
      if (record[0] !== 0x7b) return decoder.take(record, give)
      decoder.end(give)
      give(
        readObject("pgaudit", record, (value) => {
          const line = readJsonLine(value)
          return line === undefined ? undefined : membersOfPostgres(line)
        }),
      )
    },
    end: (give) => decoder.end(give),
  }
}

const sourcesMax = 256
const chunkPattern = /^\[(\d{1,10})-(\d{1,10})\] /
const auditPattern = /AUDIT: (?:SESSION|OBJECT),/
/** What pgAudit always writes; pgaudit.log_rows adds one. */
const auditFields = 9

/** A record whose end has not been seen. */
interface Begun<P extends Piece> {
  readonly pieces: P[]
  readonly texts: string[]
  readonly progress: CsvProgress
  /** Of syslog's `[number-chunk]`; undefined on stderr and in csvlog. */
  readonly number: string | undefined
  readonly isCsv: boolean
  readonly isAudit: boolean
}

class PostgresReader<P extends Piece> implements PieceReader<P> {
  /** By where they come from. */
  readonly #begun = new Map<string, Begun<P>>()
  readonly #held = new HeldPieces()

  take(piece: P, give: GivePieces<P>): boolean {
    if (piece.text.startsWith("{")) return takeJson(piece, give)
    const chunk = chunkPattern.exec(piece.text)
    const text = chunk === null ? piece.text : piece.text.slice(chunk[0].length)
    const before = this.#begun.get(piece.from)
    if (before !== undefined && goesOn(before, text, chunk)) {
      this.#add(before, piece, text)
    } else {
      this.#flush(piece.from, give)
      if (!isStart(text, chunk)) return false
      this.#begin(piece, text, chunk?.[1], give)
    }
    this.#held.add(piece)
    if (isWhole(this.#begun.get(piece.from) as Begun<P>)) this.#flush(piece.from, give)
    while (this.#held.isTooMuch) this.#flushOldest(give)
    return true
  }

  end(give: GivePieces<P>): void {
    while (this.#begun.size > 0) this.#flushOldest(give)
  }

  #flushOldest(give: GivePieces<P>): void {
    const [oldest] = this.#begun.keys()
    if (oldest !== undefined) this.#flush(oldest, give)
  }

  #begin(piece: P, text: string, number: string | undefined, give: GivePieces<P>): void {
    if (this.#begun.size >= sourcesMax) this.#flushOldest(give)
    const isCsv = csvStart.test(text)
    const audit = auditPattern.exec(text)
    const isAudit = !isCsv && audit !== null
    const progress = new CsvProgress()
    progress.add(isAudit ? text.slice(audit.index) : text)
    const begun = { pieces: [piece], texts: [text], progress, number, isCsv, isAudit }
    this.#begun.set(piece.from, begun)
  }

  #add(begun: Begun<P>, piece: P, text: string): void {
    begun.pieces.push(piece)
    begun.texts.push(text)
    begun.progress.add(text)
  }

  #flush(from: string, give: GivePieces<P>): void {
    const begun = this.#begun.get(from)
    if (begun === undefined) return
    this.#begun.delete(from)
    this.#held.remove(begun.pieces)
    const text = begun.texts.join(begun.number === undefined ? "\n" : "")
    const line = begun.isCsv ? readCsvLine(text) : readTextLine(text)
    give(membersOfPostgres(line), begun.pieces)
  }
}

function takeJson<P extends Piece>(piece: P, give: GivePieces<P>): boolean {
  const value = piece.value ?? parseObject(piece.text)
  const line = value === undefined ? undefined : readJsonLine(value)
  if (line === undefined) return false
  give(membersOfPostgres(line), [piece])
  return true
}

/** A line that goes on a record begins with a tab on stderr, with the record's number in syslog; in csvlog a text is open. */
function goesOn<P extends Piece>(
  { number, isCsv, progress }: Begun<P>,
  text: string,
  chunk: RegExpExecArray | null,
): boolean {
  if (number !== undefined || chunk !== null) return chunk?.[1] === number && chunk?.[2] !== "1"
  return isCsv ? progress.isQuoted : text.startsWith("\t")
}

function isStart(text: string, chunk: RegExpExecArray | null): boolean {
  if (chunk !== null && chunk[2] !== "1") return false
  return csvStart.test(text) || readTextLine(text) !== undefined
}

function isWhole<P extends Piece>({ progress, isCsv, isAudit }: Begun<P>): boolean {
  if (progress.isQuoted) return false
  return isCsv || (isAudit && progress.fields >= auditFields)
}
