import { assert } from "@postern/log/base"
import { type Format, formats } from "../../formats/index.ts"

/** A format that is built in. */
export function theFormat(name: "cloudevents" | "json" | "line" | "records" | "teleport"): Format {
  const format = formats.get(name)
  assert(format !== undefined, "the format is built in")
  return format
}
