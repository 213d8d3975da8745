import type { Decoder, ForeignMembers, Format, FormatWorld, Give } from "./api.ts"
import { recogniseText } from "./contents.ts"
import { said, unknownActor, unreadable } from "./members.ts"
import {
  type BuiltFormat,
  copyBytes,
  joinOriginals,
  type Piece,
  type PieceReader,
} from "./pieces.ts"
import { readText } from "./record.ts"
import { readHeader, type SyslogHeader } from "./syslog-header.ts"
import { zoneData } from "./times.ts"

/** Syslog messages. What they carry is read by the format that knows it; the message as a whole stays the original. */
export const syslog: Format = {
  name: "syslog",
  title: "syslog, RFC 5424 and RFC 3164, and what it carries",
  of: "lines",
  recognisedBy: "a priority such as <13>, or a time as in /var/log/syslog",
  open: (world) => new SyslogDecoder(world),
}

interface Message extends Piece {
  readonly header: SyslogHeader
  /** Of what it carries. */
  readonly format: BuiltFormat
}

const cee = /^@cee: ?/

class SyslogDecoder implements Decoder {
  readonly #world: FormatWorld
  readonly #readers = new Map<BuiltFormat, PieceReader<Message>>()

  constructor(world: FormatWorld) {
    this.#world = world
  }

  take(original: Uint8Array, give: Give): void {
    const { text } = readText(original)
    const readable = text ?? latin1(original)
    const header = readHeader(readable, () => this.#world.nowMs())
    if (header === undefined) {
      give({ members: unreadable("syslog"), format: "syslog", original, isJson: false })
      return
    }
    if (text !== undefined && this.#takeContents(text, header, original, give)) return
    give({ members: membersOf(header), format: "syslog", original, isJson: false })
  }

  end(give: Give): void {
    for (const reader of this.#readers.values()) reader.end(giveMessage(give))
  }

  /** True if a format knows what the message carries. */
  #takeContents(text: string, header: SyslogHeader, original: Uint8Array, give: Give): boolean {
    const contents = trimEnd(text.slice(header.at)).replace(cee, "")
    const known = recogniseText(contents)
    if (known === undefined) return false
    const { format, value } = known
    const reader: PieceReader<Message> = this.#readers.get(format) ?? format.read(this.#world)
    this.#readers.set(format, reader)
    const from = `${header.host}|${header.app}|${header.procId}`
    const piece = {
      text: contents,
      original: copyBytes(original),
      from,
      header,
      format,
    }
    return reader.take(value === undefined ? piece : { ...piece, value }, giveMessage(give))
  }
}

/** What is not UTF-8 is kept as bytes; its header is ASCII if it is one. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 2048))
    .toString("latin1")
    .replaceAll(/[\x80-\xff]/g, "?")
}

/** Some senders end a message with what ends a line, or a text in C. */
function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && "\r\n\0".includes(text[end - 1] as string)) end--
  return end === text.length ? text : text.slice(0, end)
}

function giveMessage(give: Give) {
  return (members: ForeignMembers, pieces: readonly Message[]): void => {
    const [first] = pieces as [Message]
    give({
      members: surround(members, first),
      format: "syslog",
      original: joinOriginals(pieces),
      isJson: false,
    })
  }
}

function membersOf(header: SyslogHeader): ForeignMembers {
  const { facility, severity, time, host } = header
  return {
    ...(time === undefined ? {} : { time: time.time }),
    action: facility === undefined ? "syslog.unknown" : `syslog.${facility}`,
    outcome: "unknown",
    actor: unknownActor,
    targets: [],
    ...(severity === undefined ? {} : { severity }),
    ...(host === undefined ? {} : { origin: { host } }),
    data: { ...(time === undefined ? {} : zoneData(time)), ...headerData(header) },
  }
}

/** What the carried format says goes before what the header says. */
function surround(members: ForeignMembers, { header, format }: Message): ForeignMembers {
  const outer = membersOf(header)
  const { timeZone, ...data } = outer.data as { timeZone?: string }
  const zone = members.time === undefined && timeZone !== undefined ? { timeZone } : {}
  const severity = members.severity ?? outer.severity
  const origin = { ...outer.origin, ...members.origin }
  const time = members.time ?? outer.time
  const { id } = members
  const { host } = header
  return {
    ...members,
    // Lines are numbered by each host for itself.
    ...(id !== undefined && host !== undefined && format.of === "lines"
      ? { id: `${host}/${id}` }
      : {}),
    ...(time === undefined ? {} : { time }),
    ...(severity === undefined ? {} : { severity }),
    ...(Object.keys(origin).length === 0 ? {} : { origin }),
    data: { ...zone, ...members.data, ...data, contents: format.name },
  }
}

function headerData({ facility, app, procId, msgId, structured }: SyslogHeader) {
  const data = said({ facility, app, procId, msgId, structured })
  return data === undefined ? {} : { syslog: data }
}
