import { concatBytes } from "@postern/log/base"
import type { JsonObject } from "@postern/log/event"
import type { Decoder, ForeignEvent, ForeignMembers, Format, FormatWorld } from "./api.ts"
import { unreadable } from "./members.ts"
import { parseObject, readText } from "./record.ts"

/** A record, or what another record (of syslog) carries. */
export interface Piece {
  readonly text: string
  /** The whole record as it came; kept by whoever keeps the piece, and copied for that. */
  readonly original: Uint8Array
  /** What the text says, where it is JSON and was read before. */
  readonly value?: JsonObject
  /** Of what sent it: pieces with different ones never belong together. */
  readonly from: string
}

export type GivePieces<P extends Piece> = (members: ForeignMembers, pieces: readonly P[]) => void

/** Reads pieces, each of which is an event, or a part of one. */
export interface PieceReader<P extends Piece> {
  /** False: it is not of this format, and was not taken. */
  take(piece: P, give: GivePieces<P>): boolean
  end(give: GivePieces<P>): void
}

/** A format as it is built: it also reads what syslog carries. */
export interface BuiltFormat extends Format {
  read<P extends Piece>(world: FormatWorld): PieceReader<P>
}

interface Naming {
  readonly name: string
  readonly title: string
  readonly recognisedBy: string
}

/** A format whose records are JSON objects, one an event. */
export function objectFormat(
  naming: Naming,
  read: (value: JsonObject) => ForeignMembers | undefined,
): BuiltFormat {
  const { name } = naming
  return {
    ...naming,
    of: "json",
    open: () => ({
      take: (original, give) => give(readObject(name, original, read)),
      end: () => undefined,
    }),
    read: () => ({
      take(piece, give) {
        const value = piece.value ?? parseObject(piece.text)
        const members = value === undefined ? undefined : read(value)
        if (members === undefined) return false
        give(members, [piece])
        return true
      },
      end: () => undefined,
    }),
  }
}

export function readObject(
  format: string,
  original: Uint8Array,
  read: (value: JsonObject) => ForeignMembers | undefined,
): ForeignEvent {
  const { text } = readText(original)
  const value = text === undefined ? undefined : parseObject(text)
  if (value === undefined) {
    return { members: unreadable(format), format, original, isJson: false }
  }
  return { members: read(value) ?? unreadable(format), format, original, isJson: true }
}

/** A format whose records are lines of text, of which several may be one event. */
export function pieceFormat(
  naming: Naming,
  read: <P extends Piece>(world: FormatWorld) => PieceReader<P>,
): BuiltFormat {
  return {
    ...naming,
    of: "lines",
    open: (world) => openPieces(naming.name, read(world)),
    read,
  }
}

/** A copy: the slice of a Buffer is none. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

const lineFeed = Uint8Array.of(0x0a)

export function joinOriginals(pieces: readonly Piece[]): Uint8Array {
  const [first] = pieces
  if (pieces.length === 1 && first !== undefined) return first.original
  return concatBytes(
    ...pieces.flatMap(({ original }, i) => (i > 0 ? [lineFeed, original] : [original])),
  )
}

function openPieces(format: string, reader: PieceReader<Piece>): Decoder {
  return {
    take(record, give) {
      const { text } = readText(record)
      const original = copyBytes(record)
      const taken =
        text !== undefined &&
        reader.take({ text, original, from: "" }, (members, pieces) =>
          give({ members, format, original: joinOriginals(pieces), isJson: false }),
        )
      if (!taken) give({ members: unreadable(format), format, original, isJson: false })
    },
    end(give) {
      reader.end((members, pieces) =>
        give({ members, format, original: joinOriginals(pieces), isJson: false }),
      )
    },
  }
}
