import type { Format } from "./api.ts"
import { cloudtrail, fileStart } from "./cloudtrail.ts"
import { recogniseText } from "./contents.ts"
import { readText } from "./record.ts"
import { syslog } from "./syslog.ts"
import { readHeader } from "./syslog-header.ts"

/** The format of a record by its content; undefined where only `line` is left. */
export function recognise(record: Uint8Array): Format | undefined {
  const { text } = readText(record)
  if (text === undefined) return undefined
  if (fileStart.test(text)) return cloudtrail
  const header = readHeader(text, () => 0)
  const isSyslog =
    header !== undefined && (header.facility !== undefined || header.app !== undefined)
  return isSyslog ? syslog : recogniseText(text)?.format
}
