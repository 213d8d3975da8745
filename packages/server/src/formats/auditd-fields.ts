import { decodeUtf8, parseHex } from "@postern/log/base"

/** `key=value` of one record of the Linux audit system. Later ones never replace earlier ones. */
export type AuditFields = ReadonlyMap<string, string>

export interface AuditRecord {
  /** SYSCALL, PATH, USER_LOGIN … */
  readonly type: string
  /** `1700000000.123`, seconds since 1970. */
  readonly stamp: string
  readonly serial: string
  readonly node: string | undefined
  readonly fields: AuditFields
  /** What auditd adds where it writes enriched: names for numbers, its keys in capitals. */
  readonly names: AuditFields
}

const headPattern =
  /^(?:node=(\S{1,255}) )?type=([A-Z0-9_[\]]{1,64}) msg=audit\((\d{1,12}\.\d{1,9}):(\d{1,20})\): ?/
const separator = "\x1d"

/** undefined if the line is no audit record. */
export function readAuditRecord(line: string): AuditRecord | undefined {
  const head = headPattern.exec(line)
  if (head === null) return undefined
  const [all, node, type = "", stamp = "", serial = ""] = head
  const rest = line.slice(all.length).trimEnd()
  const cut = rest.indexOf(separator)
  const fields = new Map<string, string>()
  readFields(cut < 0 ? rest : rest.slice(0, cut), type, fields)
  const names = new Map<string, string>()
  if (cut >= 0) readFields(rest.slice(cut + 1), type, names)
  return { type: type.replaceAll(/[[\]]/g, ""), stamp, serial, node, fields, names }
}

/** A key begins where none goes on, so that a long one is looked at once. */
const fieldPattern = /(?<![A-Za-z0-9_-])([A-Za-z0-9_-]+)=("[^"]*"|'[^']*'|\S*)/g
const messageOpen = " msg='"

/** Between `msg='` and the last quote stand fields themselves, whose values may hold quotes. */
function readFields(text: string, type: string, into: Map<string, string>): void {
  const open = ` ${text}`.indexOf(messageOpen)
  const hasMessage = open >= 0 && text.endsWith("'") && text.length >= open + messageOpen.length
  const outer = hasMessage ? text.slice(0, open) : text
  const inner = hasMessage ? text.slice(open + messageOpen.length - 1, -1) : ""
  for (const part of [outer, inner]) {
    for (const [, key = "", value = ""] of part.matchAll(fieldPattern)) {
      if (!into.has(key)) into.set(key, plainValue(key, value, type))
    }
  }
}

/** Values that a user chose: where they hold anything odd, the kernel writes them as hex digits, without quotes. */
const encodedKeys = new Set([
  ...["comm", "exe", "name", "cwd", "proctitle", "acct", "cmd", "key", "path", "data", "file"],
  ...["dir", "new-disk", "old-disk", "vm", "grp", "ocomm", "new_name"],
])
const argumentKey = /^a\d{1,6}(?:\[\d{1,6}\])?$/

function plainValue(key: string, value: string, type: string): string {
  const quote = value[0]
  if (quote === '"' || quote === "'") return value.slice(1, -1)
  const isArgument = type === "EXECVE" && argumentKey.test(key)
  if (!isArgument && !encodedKeys.has(key)) return value
  return textOfHex(value) ?? value
}

/** Of hex digits that are decoded; the kernel writes no value that is nearly as long. */
const digitsMax = 65_536

/** Arguments stand apart by NUL in a process title. */
function textOfHex(value: string): string | undefined {
  if (value.length < 2 || value.length > digitsMax) return undefined
  const bytes = parseHex(value.toLowerCase())
  const text = bytes === undefined ? undefined : decodeUtf8(bytes)
  return text?.replaceAll("\0", " ").trimEnd()
}
