import fc from "fast-check"
import { encodeMessage } from "./otlp-oracle.test.support.ts"

/** Attributes and logs as protobuf-es takes them to make messages of. */
export function pair(key: string, value: string) {
  return { key, value: { value: { case: "stringValue", value } } }
}

export const traceId = Uint8Array.from({ length: 16 }, (_, i) => i + 1)
export const spanId = Uint8Array.from({ length: 8 }, (_, i) => i + 1)

export const logRecord = {
  timeUnixNano: 1_700_000_000_123_456_789n,
  observedTimeUnixNano: 1_700_000_001_000_000_000n,
  severityNumber: 9,
  severityText: "INFO",
  eventName: "Invoice.Deleted",
  body: { value: { case: "stringValue", value: "alice deleted invoice 4711" } },
  attributes: [
    pair("enduser.id", "alice"),
    pair("user.name", "Alice Ä"),
    pair("client.address", "192.0.2.7"),
    pair("user_agent.original", "curl/8"),
    pair("event.outcome", "success"),
    pair("invoice.id", "4711"),
  ],
  ...{ traceId, spanId, flags: 1 },
}

export const resource = {
  attributes: [pair("service.name", "billing"), pair("service.version", "1.2")],
}

export function requestOf(
  logRecords: readonly object[],
  around: object = { resource },
): Uint8Array {
  const scope = { name: "billing/audit", version: "3" }
  const scopeLogs = [{ scope, logRecords, schemaUrl: "https://schema.test/1" }]
  return encodeMessage("ExportLogsServiceRequest", { resourceLogs: [{ ...around, scopeLogs }] })
}

const text = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.string({ maxLength: 30 }))

/** Any AnyValue that is not too deep for an event. */
const { any } = fc.letrec<{ any: object }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    text.map((value) => ({ value: { case: "stringValue", value } })),
    fc.boolean().map((value) => ({ value: { case: "boolValue", value } })),
    fc
      .bigInt(-(2n ** 63n), 2n ** 63n - 1n)
      .map((value) => ({ value: { case: "intValue", value } })),
    fc.double().map((value) => ({ value: { case: "doubleValue", value } })),
    fc.uint8Array({ maxLength: 9 }).map((value) => ({ value: { case: "bytesValue", value } })),
    fc.constant({}),
    fc
      .array(tie("any"), { maxLength: 3 })
      .map((values) => ({ value: { case: "arrayValue", value: { values } } })),
    fc
      .array(fc.record({ key: text, value: tie("any") }), { maxLength: 3 })
      .map((values) => ({ value: { case: "kvlistValue", value: { values } } })),
  ),
}))

const attributes = fc.array(
  fc.record(
    {
      key: fc.oneof(text, fc.constantFrom("enduser.id", "event.name", "service.name", "action")),
      value: any,
    },
    { requiredKeys: ["key"] },
  ),
  { maxLength: 4 },
)
const ns = fc.bigInt(0n, 2n ** 64n - 1n)

export const anyRecord = fc.record(
  {
    ...{
      timeUnixNano: ns,
      observedTimeUnixNano: ns,
      severityNumber: fc.integer({ min: -3, max: 30 }),
    },
    ...{ severityText: text, eventName: text, body: any, attributes },
    ...{ droppedAttributesCount: fc.nat(), flags: fc.nat() },
    traceId: fc.oneof(fc.constant(traceId), fc.uint8Array({ maxLength: 20 })),
    spanId: fc.oneof(fc.constant(spanId), fc.uint8Array({ maxLength: 20 })),
  },
  { requiredKeys: [] },
)

export const anyRequest = fc.array(
  fc.record(
    {
      resource: fc.record({ attributes }),
      schemaUrl: text,
      scopeLogs: fc.array(
        fc.record(
          {
            scope: fc.record({ name: text, version: text, attributes }),
            schemaUrl: text,
            logRecords: fc.array(anyRecord, { maxLength: 3 }),
          },
          { requiredKeys: ["logRecords"] },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: ["scopeLogs"] },
  ),
  { maxLength: 2 },
)
