import type { DescMessage, JsonValue, Message } from "@bufbuild/protobuf"
import { create, createFileRegistry, fromBinary, toBinary, toJson } from "@bufbuild/protobuf"
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt"

/** Name, number, type; `[]` at the end of a type: repeated; `|`: a member of the oneof `value`. */
type Field = readonly [name: string, number: number, type: string]

const messages: Readonly<Record<string, readonly Field[]>> = {
  AnyValue: [
    ["string_value", 1, "|string"],
    ["bool_value", 2, "|bool"],
    ["int_value", 3, "|int64"],
    ["double_value", 4, "|double"],
    ["array_value", 5, "|ArrayValue"],
    ["kvlist_value", 6, "|KeyValueList"],
    ["bytes_value", 7, "|bytes"],
  ],
  ArrayValue: [["values", 1, "AnyValue[]"]],
  KeyValueList: [["values", 1, "KeyValue[]"]],
  KeyValue: [
    ["key", 1, "string"],
    ["value", 2, "AnyValue"],
  ],
  Resource: [
    ["attributes", 1, "KeyValue[]"],
    ["dropped_attributes_count", 2, "uint32"],
  ],
  InstrumentationScope: [
    ["name", 1, "string"],
    ["version", 2, "string"],
    ["attributes", 3, "KeyValue[]"],
    ["dropped_attributes_count", 4, "uint32"],
  ],
  LogRecord: [
    ["time_unix_nano", 1, "fixed64"],
    ["severity_number", 2, "int32"],
    ["severity_text", 3, "string"],
    ["body", 5, "AnyValue"],
    ["attributes", 6, "KeyValue[]"],
    ["dropped_attributes_count", 7, "uint32"],
    ["flags", 8, "fixed32"],
    ["trace_id", 9, "bytes"],
    ["span_id", 10, "bytes"],
    ["observed_time_unix_nano", 11, "fixed64"],
    ["event_name", 12, "string"],
  ],
  ScopeLogs: [
    ["scope", 1, "InstrumentationScope"],
    ["log_records", 2, "LogRecord[]"],
    ["schema_url", 3, "string"],
  ],
  ResourceLogs: [
    ["resource", 1, "Resource"],
    ["scope_logs", 2, "ScopeLogs[]"],
    ["schema_url", 3, "string"],
  ],
  ExportLogsServiceRequest: [["resource_logs", 1, "ResourceLogs[]"]],
  ExportLogsPartialSuccess: [
    ["rejected_log_records", 1, "int64"],
    ["error_message", 2, "string"],
  ],
  ExportLogsServiceResponse: [["partial_success", 1, "ExportLogsPartialSuccess"]],
  Status: [
    ["code", 1, "int32"],
    ["message", 2, "string"],
  ],
}

const scalars: Readonly<Record<string, Type>> = {
  ...{ string: Type.STRING, bool: Type.BOOL, bytes: Type.BYTES, double: Type.DOUBLE },
  ...{ int32: Type.INT32, int64: Type.INT64, uint32: Type.UINT32 },
  ...{ fixed32: Type.FIXED32, fixed64: Type.FIXED64 },
}

/**
 * The messages of opentelemetry-proto's logs, written down by hand from its .proto files: what another implementation of
 * protobuf makes of the bytes that the port reads.
 */
const registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      create(FileDescriptorProtoSchema, {
        ...{ name: "otlp.proto", package: "otlp", syntax: "proto3" },
        messageType: Object.entries(messages).map(([name, fields]) => ({
          name,
          oneofDecl: fields.some(([, , type]) => type.startsWith("|")) ? [{ name: "value" }] : [],
          field: fields.map(fieldOf),
        })),
      }),
    ],
  }),
)

function fieldOf([name, number, text]: Field) {
  const type = text.replaceAll(/^\||\[\]$/g, "")
  const scalar = scalars[type]
  return {
    ...{
      name,
      number,
      jsonName: name.replaceAll(/_([a-z])/g, (_, letter) => letter.toUpperCase()),
    },
    label: text.endsWith("[]") ? Label.REPEATED : Label.OPTIONAL,
    ...(scalar === undefined
      ? { type: Type.MESSAGE, typeName: `.otlp.${type}` }
      : { type: scalar }),
    ...(text.startsWith("|") ? { oneofIndex: 0 } : {}),
  }
}

function messageOf(name: string): DescMessage {
  const found = registry.getMessage(`otlp.${name}`)
  if (found === undefined) throw new Error(`there is no message ${name}`)
  return found
}

/** @param value as protobuf-es takes it to make a message of */
export function encodeMessage(name: keyof typeof messages, value: object): Uint8Array {
  return toBinary(messageOf(name), create(messageOf(name), value as never))
}

export function decodeMessage(name: keyof typeof messages, bytes: Uint8Array): Message {
  return fromBinary(messageOf(name), bytes)
}

/** The JSON that protobuf itself makes of a message; OTLP differs in its ids, which are hexadecimal there. */
export function jsonOfMessage(name: keyof typeof messages, bytes: Uint8Array): JsonValue {
  return toJson(messageOf(name), decodeMessage(name, bytes))
}
