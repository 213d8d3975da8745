import { type ErrorCode, errorRegistry } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { exitCodeOf, exitCodes } from "./exit-code.ts"

describe("exit codes", () => {
  test.each([
    ["USAGE", 2],
    ["PROOF_INVALID", 3],
    ["NOTE_INVALID", 3],
    ["RECEIPT_INVALID", 3],
    ["LOG_DAMAGED", 3],
    ["UNREACHABLE", 4],
    ["NOT_GRANTED", 5],
    ["CERTIFICATE_REFUSED", 5],
    ["TLS_HANDSHAKE", 5],
    ["ADAPTER_NOT_GRANTED", 5],
    ["EVENT_SOURCE_NOT_GRANTED", 5],
    ["CONFIG_INVALID", 78],
    ["ACCESS_INVALID", 78],
    ["PROFILE_INVALID", 78],
    ["ADDRESS_IN_USE", 78],
    ["DISK_FULL", 1],
    ["EVENT_SYNTAX", 1],
    ["ALREADY_EXISTS", 1],
  ] satisfies [ErrorCode, number][])("%s is %i", (code, expected) => {
    expect(exitCodeOf(code)).toBe(expected)
  })

  test("no error is a success, and each is one of the documented", () => {
    const known = new Set<number>(Object.values(exitCodes))
    for (const code of Object.keys(errorRegistry) as ErrorCode[]) {
      expect(exitCodeOf(code)).not.toBe(0)
      expect(known.has(exitCodeOf(code))).toBe(true)
    }
  })
})
