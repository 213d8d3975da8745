import { concatBytes, encodeUtf8, PosternError, sha256 } from "@postern/log/base"
import { unreadable, writeMembers } from "../../formats/index.ts"
import type { AdapterBody } from "./api.ts"
import { ContentIds } from "./content-ids.ts"
import { JsonInk } from "./json-ink.ts"
import { MadeEvent } from "./made-event.ts"
import { decodedBytesMax, readServiceName, writeContext } from "./otlp-context.ts"
import { OtlpRecords, type Span } from "./otlp-groups.ts"
import { otlpMembers } from "./otlp-members.ts"
import { RecordFields } from "./otlp-record.ts"
import { OtlpValues } from "./otlp-values.ts"
import { ProtobufFields, varintLength, wireType } from "./protobuf.ts"

/** The messages around the records of one ScopeLogs. */
interface ProtobufGroup {
  readonly resourceLogs: Span
  readonly scopeLogs: Span
}

/** Number of the field that holds the next level in ExportLogsServiceRequest; in the two levels below it is the second. */
const resourceLogsNumber = 1
const nestedNumber = 2
const resourceLogsTag = 8 * resourceLogsNumber + wireType.bytes
const nestedTag = 8 * nestedNumber + wireType.bytes

/**
 * The log records of an ExportLogsServiceRequest. Its three outer levels are read to their end; a record is looked at when its turn
 * comes. Errors: HTTP_BODY_SYNTAX, HTTP_BODY_TOO_LARGE.
 */
export function openProtobuf(memory: Uint8Array, request: Span): OtlpRecords<ProtobufGroup> {
  const records = new OtlpRecords<ProtobufGroup>()
  const outer = new ProtobufFields(memory).open(request.at, request.end)
  const requestBytes = restBytes(memory, request, resourceLogsNumber)
  while (outer.next()) {
    if (outer.number !== resourceLogsNumber || outer.type !== wireType.bytes) continue
    records.enter()
    const resourceLogs = { at: outer.at, end: outer.end }
    const resourceBytes = requestBytes + restBytes(memory, resourceLogs, nestedNumber)
    const middle = new ProtobufFields(memory).open(outer.at, outer.end)
    while (middle.next()) {
      if (middle.number !== nestedNumber || middle.type !== wireType.bytes) continue
      records.enter()
      const scopeLogs = { at: middle.at, end: middle.end }
      const bytes = resourceBytes + restBytes(memory, scopeLogs, nestedNumber)
      records.add({ resourceLogs, scopeLogs }, recordsIn(memory, scopeLogs), bytes)
    }
  }
  return records.begin()
}

function recordsIn(memory: Uint8Array, { at, end }: Span): number[] {
  const fields = new ProtobufFields(memory).open(at, end)
  const spans: number[] = []
  while (fields.next()) {
    if (fields.number === nestedNumber && fields.type === wireType.bytes)
      spans.push(fields.at, fields.end)
  }
  return spans
}

/** Bytes of all fields but those that hold the next level. Errors: HTTP_BODY_SYNTAX for a message that cannot be read. */
function restBytes(memory: Uint8Array, { at, end }: Span, nested: number): number {
  const fields = new ProtobufFields(memory).open(at, end)
  let bytes = 0
  while (fields.next()) {
    if (fields.number !== nested || fields.type !== wireType.bytes)
      bytes += fields.end - fields.start
  }
  if (fields.isBroken) throw new PosternError("HTTP_BODY_SYNTAX", "it is no protobuf of OTLP logs")
  return bytes
}

/** All fields but those that hold the next level, as they stand. */
function restOf(memory: Uint8Array, span: Span, nested: number): Uint8Array {
  const rest = new Uint8Array(restBytes(memory, span, nested))
  let length = 0
  let from = span.at
  const fields = new ProtobufFields(memory).open(span.at, span.end)
  while (fields.next()) {
    if (fields.number !== nested || fields.type !== wireType.bytes) continue
    rest.set(memory.subarray(from, fields.start), length)
    length += fields.start - from
    from = fields.end
  }
  rest.set(memory.subarray(from, span.end), length)
  return rest
}

/** What all records of a group have in their events, made once. */
interface Surroundings {
  readonly group: ProtobufGroup
  readonly source: string
  /** Of their data: everything before the record. */
  readonly data: Uint8Array
  readonly isCut: boolean
  /** What the ResourceLogs and the ScopeLogs hold beside their records. */
  readonly resourceLogs: Uint8Array
  readonly scopeLogs: Uint8Array
  readonly digest: Uint8Array
}

/** A log record in protobuf: its bytes, in a request that holds nothing else, and what they say as JSON. */
export class ProtobufRecord extends MadeEvent {
  readonly #records: OtlpRecords<ProtobufGroup>
  readonly #ids = new ContentIds()
  readonly #ink = new JsonInk()
  readonly #original = new JsonInk()
  readonly #values: OtlpValues
  readonly #fields: RecordFields
  /** What the request holds beside its ResourceLogs. */
  readonly #request: Uint8Array
  #surroundings: Surroundings | undefined

  constructor(body: AdapterBody, records: OtlpRecords<ProtobufGroup>) {
    super(body)
    const { memory } = body.core
    this.#records = records
    this.#values = new OtlpValues(memory, this.#ink)
    this.#fields = new RecordFields(memory)
    this.#request = restOf(memory, body, resourceLogsNumber)
  }

  protected make(at: number, end: number): Uint8Array {
    const around = this.#around(this.#records.group)
    const ink = this.#ink
    const values = this.#values
    const facts = this.#fields.read(at, end)
    const members = facts === undefined ? unreadable("otlp") : otlpMembers(facts)
    const isTimed = members.time !== undefined && members.id === undefined
    const id = isTimed ? this.#ids.of(this.#identity(around, at, end)) : this.body.id()
    ink.clear()
    ink.text(writeMembers(members, { id, time: this.body.now, source: around.source }))
    ink.bytes(around.data)
    values.begin(decodedBytesMax)
    if (facts !== undefined) {
      ink.ascii(',"otlp":')
      this.#fields.write(ink, values)
    }
    if (around.isCut || values.isCut) ink.ascii(',"cut":true')
    ink.ascii(',"bytes":"')
    this.#writeOriginal(around, at, end)
    ink.ascii('"}}')
    return ink.written
  }

  #identity({ digest }: Surroundings, at: number, end: number): Uint8Array {
    const original = this.#original
    original.clear()
    original.bytes(digest)
    original.bytes(this.body.core.memory.subarray(at, end))
    return original.written
  }

  /** The request as it would be with this record alone. */
  #writeOriginal({ resourceLogs, scopeLogs }: Surroundings, at: number, end: number): void {
    const original = this.#original
    const recordBytes = end - at
    const scopeBytes = scopeLogs.length + 1 + varintLength(recordBytes) + recordBytes
    const resourceBytes = resourceLogs.length + 1 + varintLength(scopeBytes) + scopeBytes
    original.clear()
    original.bytes(this.#request)
    original.byte(resourceLogsTag)
    original.varint(resourceBytes)
    original.bytes(resourceLogs)
    original.byte(nestedTag)
    original.varint(scopeBytes)
    original.bytes(scopeLogs)
    original.byte(nestedTag)
    original.varint(recordBytes)
    original.bytes(this.body.core.memory.subarray(at, end))
    this.#ink.base64(original.written, 0, original.at)
  }

  #around(group: ProtobufGroup): Surroundings {
    const last = this.#surroundings
    if (last?.group === group) return last
    const { memory } = this.body.core
    const isSame = last?.group.resourceLogs === group.resourceLogs
    const resourceLogs = isSame
      ? last.resourceLogs
      : restOf(memory, group.resourceLogs, nestedNumber)
    const scopeLogs = restOf(memory, group.scopeLogs, nestedNumber)
    const name = readServiceName(resourceLogs)
    this.#surroundings = {
      ...{ group, resourceLogs, scopeLogs },
      source: name === undefined ? this.body.source : this.body.sourceOf(name),
      digest: sha256(concatBytes(encodeUtf8(`${resourceLogs.length} `), resourceLogs, scopeLogs)),
      ...writeData(resourceLogs, scopeLogs),
    }
    return this.#surroundings
  }
}

function writeData(resourceLogs: Uint8Array, scopeLogs: Uint8Array) {
  const ink = new JsonInk()
  ink.ascii(',"data":{"format":"otlp","resourceLogs":')
  const isResourceWhole = writeContext(ink, resourceLogs, "resource")
  ink.ascii(',"scopeLogs":')
  const isScopeWhole = writeContext(ink, scopeLogs, "scope")
  return { data: ink.written, isCut: !isResourceWhole || !isScopeWhole }
}
