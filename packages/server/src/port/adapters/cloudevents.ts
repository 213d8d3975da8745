import { decodeUtf8, encodeUtf8, formatBase64 } from "@postern/log/base"
import { isStrictObject } from "../../formats/index.ts"
import type { Adapter, AdapterBody } from "./api.ts"
import { readMediaType, wrongType } from "./content-type.ts"
import { FormatEvent } from "./format-event.ts"
import { arrayItems, oneItem } from "./items.ts"
import { trimEnd, trimStart } from "./outline.ts"
import { createPacedRun } from "./paced-run.ts"
import { theFormat } from "./the-format.ts"

const braceOpen = 0x7b

/** CloudEvents 1.0 over HTTP in its three modes: structured, batch, and binary, where the headers say what the event is. */
export const cloudeventsAdapter: Adapter = {
  name: "cloudevents",
  path: "/v1/cloudevents",
  retryStatus: 503,
  isLong: true,
  open(body) {
    const { memory } = body.core
    const said = body.headers["content-type"] === undefined ? "" : body.contentType
    const type = said.startsWith("application/cloudevents") ? readMediaType(said) : ""
    const at = trimStart(memory, body.at, body.end)
    const end = trimEnd(memory, at, body.end)
    if (type === "application/cloudevents+json") {
      return createPacedRun(oneItem(at, end), new FormatEvent(theFormat("cloudevents"), body), body)
    }
    if (type === "application/cloudevents-batch+json") {
      // An object is no batch: all of it is kept as the one event that it may be.
      const items = memory[at] === braceOpen ? oneItem(at, end) : arrayItems(body, at, end)
      return createPacedRun(items, new FormatEvent(theFormat("cloudevents"), body), body)
    }
    if (body.headers["ce-specversion"] === undefined) throw wrongType(body.contentType)
    return createPacedRun(oneItem(body.at, body.end), new BinaryEvent(body), body)
  },
}

const prefix = "ce-"

/** Written in the JSON form, which is what is kept: its attributes from the headers, its data as they came. */
class BinaryEvent extends FormatEvent {
  constructor(body: AdapterBody) {
    super(theFormat("cloudevents"), body)
  }

  protected override make(at: number, end: number): Uint8Array {
    const { core, headers } = this.body
    const attributes = Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), decodeValue(value)])
    const type = headers["content-type"]
    if (typeof type === "string") attributes.push(["datacontenttype", type])
    const data = writeData(core.memory.slice(at, end), typeof type === "string" ? type : "")
    return this.makeOf(
      encodeUtf8(`${JSON.stringify(Object.fromEntries(attributes)).slice(0, -1)}${data}}`),
    )
  }
}

/** What is beyond printable ASCII in a header, `%` and quotes are percent-encoded UTF-8. */
function decodeValue(value: string | readonly string[] | undefined): string {
  const text = typeof value === "string" ? value : (value ?? []).join(", ")
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => {
    const bytes = Uint8Array.from(encoded.slice(1).split("%"), (digits) =>
      Number.parseInt(digits, 16),
    )
    return decodeUtf8(bytes) ?? encoded
  })
}

const jsonType = /^[^;]*[/+]json *(?:;|$)/i

/** JSON as it is, text as a string, anything else in base64; the JSON form's three ways to hold data. */
function writeData(data: Uint8Array, type: string): string {
  if (data.length === 0) return ""
  const text = decodeUtf8(data)
  if (text === undefined) return `,"data_base64":"${formatBase64(data)}"`
  const isJson = jsonType.test(type) && isStrictObject(encodeUtf8(`{"data":${text}}`))
  return `,"data":${isJson ? text : JSON.stringify(text)}`
}
