import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatBase64, isPosternError } from "../base/index.ts"
import {
  formatAddCheckpoint,
  formatCosigned,
  formatWitnessSize,
  parseAddCheckpoint,
  parseWitnessAnswer,
  witnessSizeType,
} from "./index.ts"

const hash = new Uint8Array(32).fill(7)
const hashLine = formatBase64(hash)
const note = "a.example/log\n1\nroot\n\n— a.example/log AAAAAAA=\n"
const invalidRequest = expect.objectContaining({ code: "WITNESS_REQUEST_INVALID" })
const invalidAnswer = expect.objectContaining({ code: "WITNESS_ANSWER_INVALID" })

describe("an add-checkpoint body", () => {
  test("is old size, hashes, an empty line and the checkpoint", () => {
    const body = formatAddCheckpoint({ oldSize: 3, proof: [hash, hash], note })
    expect(body).toBe(`old 3\n${hashLine}\n${hashLine}\n\n${note}`)
    expect(parseAddCheckpoint(body)).toEqual({ oldSize: 3, proof: [hash, hash], note })
  })

  test("without a proof still has its empty line", () => {
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], note })
    expect(body).toBe(`old 0\n\n${note}`)
    expect(parseAddCheckpoint(body)).toEqual({ oldSize: 0, proof: [], note })
  })

  test("is read as it was written", () => {
    const proofs = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 })
    fc.assert(
      fc.property(fc.maxSafeNat(), proofs, (oldSize, proof) => {
        const read = parseAddCheckpoint(formatAddCheckpoint({ oldSize, proof, note }))
        expect(read.oldSize).toBe(oldSize)
        expect(read.proof.map(formatBase64)).toEqual(proof.map(formatBase64))
        expect(read.note).toBe(note)
      }),
    )
  })

  test.each([
    "",
    "\n\n",
    "old 0",
    `old 0\n${note.slice(0, note.indexOf("\n\n"))}`,
    `old  0\n\n${note}`,
    `old 00\n\n${note}`,
    `old -1\n\n${note}`,
    `old 9007199254740992\n\n${note}`,
    `old 0x1\n\n${note}`,
    `new 0\n\n${note}`,
    `Old 0\n\n${note}`,
    ` old 0\n\n${note}`,
    `old 0 \n\n${note}`,
    `old 0\r\n\r\n${note}`,
    `\ufeffold 0\n\n${note}`,
    `old 1\n${hashLine.slice(0, -1)}\n\n${note}`,
    `old 1\n${hashLine} \n\n${note}`,
    `old 1\nAAAA\n\n${note}`,
    `old 1\n${`${hashLine}\n`.repeat(64)}\n${note}`,
  ])("is refused: %j", (body) => {
    expect(() => parseAddCheckpoint(body)).toThrow(invalidRequest)
  })

  test("of any other bytes is refused with a code, or read back the same", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("old ", "0", "1", "\n", hashLine) }),
        (body) => {
          try {
            expect(formatAddCheckpoint(parseAddCheckpoint(body))).toBe(body)
          } catch (error) {
            if (!isPosternError(error)) throw error
            expect(error.code).toBe("WITNESS_REQUEST_INVALID")
          }
        },
      ),
    )
  })
})

describe("a witness's answer", () => {
  const line = "— w.example/1 AAAAAAA=\n"

  test("200 has signature lines", () => {
    const answer = parseWitnessAnswer(200, undefined, `${line}${line}`)
    expect(answer.kind === "cosigned" && formatCosigned(answer.signatures)).toBe(`${line}${line}`)
  })

  test("409 has the size, if its content type says so, and is a contradiction otherwise", () => {
    const body = formatWitnessSize(123)
    expect(parseWitnessAnswer(409, witnessSizeType, body)).toEqual({ kind: "size", size: 123 })
    const withCharset = `${witnessSizeType}; charset=utf-8`
    expect(parseWitnessAnswer(409, withCharset, "0\n")).toEqual({ kind: "size", size: 0 })
    expect(parseWitnessAnswer(409, "text/plain", body)).toEqual({ kind: "contradiction" })
    expect(parseWitnessAnswer(409, undefined, "")).toEqual({ kind: "contradiction" })
  })

  test.each([
    [422, "contradiction"],
    [403, "unknown-log"],
    [404, "unknown-log"],
    [400, "malformed"],
    [500, "failed"],
    [503, "failed"],
    [204, "failed"],
    [301, "failed"],
  ])("%i means %s, whatever its body", (status, kind) => {
    expect(parseWitnessAnswer(status, "text/html", "<p>")).toEqual({ kind })
  })

  test.each([
    [200, ""],
    [200, "OK\n"],
    [200, line.trimEnd()],
    [200, `${line}\n`],
    [200, line.repeat(101)],
    [200, "x".repeat(500_001)],
    [409, ""],
    [409, "12"],
    [409, "012\n"],
    [409, "12\n\n"],
    [409, "-1\n"],
    [409, "9007199254740993\n"],
  ])("%i with the body %j is refused", (status, body) => {
    expect(() => parseWitnessAnswer(status, witnessSizeType, body)).toThrow(invalidAnswer)
  })
})
