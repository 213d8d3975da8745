import { PosternError } from "@postern/log/base"
import { expect, test } from "vitest"
import { otlpAdapter } from "./index.ts"
import { jsonOfMessage } from "./otlp-oracle.test.support.ts"

const refused = [
  { code: "EVENT_TOO_LARGE", message: "too large" },
  { code: "EVENT_ACTION_NOT_GRANTED", message: "not granted" },
  { code: "EVENT_TOO_LARGE", message: "too large" },
]
const reason = "2 x EVENT_TOO_LARGE: too large; 1 x EVENT_ACTION_NOT_GRANTED: not granted"

test("a partial success says how many records were refused, and why", () => {
  const json = otlpAdapter.answers?.("application/json; charset=utf-8")
  const protobuf = otlpAdapter.answers?.("Application/X-Protobuf")
  expect([json?.type, protobuf?.type]).toEqual(["application/json", "application/x-protobuf"])
  const partialSuccess = { rejectedLogRecords: "3", errorMessage: reason }
  expect(JSON.parse(Buffer.from(json?.taken({ refused }) ?? "").toString())).toEqual({
    partialSuccess,
  })
  const bytes = protobuf?.taken({ refused }) ?? new Uint8Array(0)
  expect(jsonOfMessage("ExportLogsServiceResponse", bytes)).toEqual({ partialSuccess })
  expect(protobuf?.taken({ refused: [] })).toEqual(new Uint8Array(0))
  expect(Buffer.from(json?.taken({ refused: [] }) ?? "").toString()).toBe("{}")
})

test.each([
  ["HTTP_BODY_SYNTAX", 3],
  ["NOT_GRANTED", 7],
  ["HTTP_BODY_TOO_LARGE", 8],
  ["OVERLOADED", 14],
  ["RATE_LIMITED", 14],
] as const)("a refusal is a google.rpc.Status: %s is %i", (code, status) => {
  const error = new PosternError(code, "so")
  const bytes = otlpAdapter.answers?.("application/x-protobuf").refused(error)
  const said = jsonOfMessage("Status", bytes ?? new Uint8Array(0))
  expect(said).toMatchObject({
    code: status,
    message: expect.stringMatching(`^${code}: .*\\(so\\)`),
  })
  const json = otlpAdapter.answers?.("application/json").refused(error)
  expect(JSON.parse(Buffer.from(json ?? "").toString())).toEqual(said)
})
