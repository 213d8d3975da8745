import type { JsonInk } from "./json-ink.ts"
import { OtlpValues, readPair, readValue, valueFields } from "./otlp-values.ts"
import { ProtobufFields, wireType } from "./protobuf.ts"

/** Of what is decoded for searching; the bytes beside it have all of it. */
export const decodedBytesMax = 65_536
/** Number of the resource in ResourceLogs, of the scope in ScopeLogs, and of the schema's address in both. */
const innerNumber = 1
const schemaNumber = 3
/** The bracket of the attributes: the event, data, resourceLogs and the resource are around it. */
const attributesDepth = 5

const layouts = {
  resource: { texts: [], attributes: 1 },
  scope: {
    texts: [
      [1, "name"],
      [2, "version"],
    ],
    attributes: 3,
  },
} as const

/**
 * Writes what a ResourceLogs or ScopeLogs says beside its records, as OTLP's JSON has it. False if some of it was cut.
 * @param message without the records
 */
export function writeContext(
  ink: JsonInk,
  message: Uint8Array,
  name: keyof typeof layouts,
): boolean {
  const values = new OtlpValues(message, ink)
  const inner = findLast(message, 0, message.length, innerNumber)
  const schema = findLast(message, 0, message.length, schemaNumber)
  values.begin(decodedBytesMax)
  ink.ascii("{")
  if (inner !== undefined) {
    ink.ascii(`"${name}":`)
    writeInner(ink, values, message, inner, name)
  }
  if (schema !== undefined) {
    ink.ascii(inner === undefined ? '"schemaUrl":' : ',"schemaUrl":')
    values.text(schema.at, schema.end)
  }
  ink.ascii("}")
  return !values.isCut
}

function writeInner(
  ink: JsonInk,
  values: OtlpValues,
  message: Uint8Array,
  { at, end }: Found,
  name: keyof typeof layouts,
): void {
  const { texts, attributes } = layouts[name]
  let separator = ""
  ink.ascii("{")
  for (const [number, key] of texts) {
    const text = findLast(message, at, end, number)
    if (text === undefined) continue
    ink.ascii(`${separator}"${key}":`)
    values.text(text.at, text.end)
    separator = ","
  }
  if (findLast(message, at, end, attributes) !== undefined) {
    ink.ascii(`${separator}"attributes":`)
    values.pairs(at, end, attributes, attributesDepth)
  }
  ink.ascii("}")
}

interface Found {
  readonly at: number
  readonly end: number
}

function findLast(message: Uint8Array, at: number, end: number, number: number): Found | undefined {
  const fields = new ProtobufFields(message).open(at, end)
  let found: Found | undefined
  while (fields.next()) {
    if (fields.number === number && fields.type === wireType.bytes)
      found = { at: fields.at, end: fields.end }
  }
  return found
}

/** The resource's attribute `service.name`, if it is said once. */
export function readServiceName(resourceLogs: Uint8Array): string | undefined {
  const resource = findLast(resourceLogs, 0, resourceLogs.length, innerNumber)
  if (resource === undefined) return undefined
  const fields = new ProtobufFields(resourceLogs).open(resource.at, resource.end)
  const names: string[] = []
  while (fields.next()) {
    if (fields.number !== layouts.resource.attributes || fields.type !== wireType.bytes) continue
    const { key, value } = readPair(resourceLogs, fields.at, fields.end)
    if (textAt(resourceLogs, key.at, key.end) !== "service.name") continue
    const text = readValue(resourceLogs, value.at, value.end)
    if (text.number === valueFields.string) names.push(textAt(resourceLogs, text.from, text.to))
  }
  return names.length === 1 ? names[0] : undefined
}

function textAt(bytes: Uint8Array, at: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString()
}
