import type { Adapter, AdapterBody, AdapterRun } from "./api.ts"
import { readMediaType, wrongType } from "./content-type.ts"
import { jsonAnswers, protobufAnswers } from "./otlp-answers.ts"
import { JsonRecord, openJson } from "./otlp-json.ts"
import { openProtobuf, ProtobufRecord } from "./otlp-protobuf.ts"
import { createPacedRun } from "./paced-run.ts"

/** OTLP/HTTP logs (https://opentelemetry.io/docs/specs/otlp), in protobuf and in JSON. */
export const otlpAdapter: Adapter = {
  name: "otlp",
  path: "/v1/logs",
  retryStatus: 503,
  isLong: true,
  answers: (contentType) =>
    contentType.trim().toLowerCase().startsWith("application/x-protobuf")
      ? protobufAnswers
      : jsonAnswers,
  open(body): AdapterRun {
    const type = readMediaType(body.contentType)
    if (type === "application/x-protobuf") return openRun(body)
    if (type !== "application/json") throw wrongType(body.contentType)
    const records = openJson(body)
    return createPacedRun(records, new JsonRecord(body, records), body)
  },
}

function openRun(body: AdapterBody): AdapterRun {
  const records = openProtobuf(body.core.memory, body)
  return createPacedRun(records, new ProtobufRecord(body, records), body)
}
