import { isPosternError, limits } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { SyslogFraming } from "./framing.ts"

interface Taken {
  readonly messages: string[]
  readonly tooLarge: number
  readonly unfinished: string | undefined
  readonly length: number | undefined
  readonly error: string | undefined
}

/** What becomes of bytes that come in these chunks, looked at after each. */
function take(chunks: readonly Uint8Array[], messageBytesMax = 100): Taken {
  const framing = new SyslogFraming(messageBytesMax)
  const messages: string[] = []
  let error: string | undefined
  try {
    for (const chunk of chunks) {
      framing.push(chunk)
      for (let found = framing.next(); found !== undefined; found = framing.next()) {
        messages.push(Buffer.from(found).toString("latin1"))
      }
    }
  } catch (thrown) {
    if (!isPosternError(thrown)) throw thrown
    error = thrown.code
  }
  const { bytes, length } = (error === undefined && framing.takeUnfinished()) || {}
  const unfinished = bytes && Buffer.from(bytes).toString("latin1")
  return { messages, tooLarge: framing.tooLarge, unfinished, length, error }
}

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1")
const counted = (text: string): string => `${Buffer.byteLength(text, "latin1")} ${text}`

function takeText(text: string, messageBytesMax?: number): Taken {
  return take([bytesOf(text)], messageBytesMax)
}

describe("messages", () => {
  test("are told apart by their lengths, whatever stands in them", () => {
    const texts = ["<34>1 a\nb", "<1>\0\n7 x", "<13>5", "x".repeat(100)]
    const taken = takeText(texts.map(counted).join(""))
    expect(taken).toMatchObject({ messages: texts, tooLarge: 0, unfinished: undefined })
  })

  test("are told apart by line ends, of which a CR is part", () => {
    expect(takeText("<34>a\n<34>b\r\nno priority\n").messages).toEqual([
      ...["<34>a", "<34>b", "no priority"],
    ])
  })

  test("may be framed both ways on one connection, with line ends behind lengths", () => {
    const { messages, error } = takeText(
      `${counted("<1>a")}\n<2>b\n\r\n\0${counted("<3>c\n")}<4>d\n`,
    )
    expect(messages).toEqual(["<1>a", "<2>b", "<3>c\n", "<4>d"])
    expect(error).toBeUndefined()
  })

  test("that begin with a number are lines unless a space follows it", () => {
    const lines = ["2026-11-23T08:00:00Z host a", "0 <34>zero", "007 bond", "12:00", "4711"]
    expect(takeText(lines.map((line) => `${line}\n`).join("")).messages).toEqual(lines)
    expect(takeText(`${"7".repeat(40)} x\n`).messages).toEqual([`${"7".repeat(40)} x`])
  })

  test("are the same however the bytes are cut into chunks", () => {
    const message = fc.oneof(
      fc.string({ unit: "binary", maxLength: 130 }).map((text) => text.replace(/[^\0-\xff]/g, "?")),
      fc.constantFrom("<34>1 a", "7", "", "\r", "<1>a\nb", "x".repeat(101), "9".repeat(31)),
    )
    const framed = fc.tuple(message, fc.nat(3)).map(([text, how]) => {
      if (how === 0) return `${text}\n`
      if (how === 1) return `${text}\r\n`
      return how === 2 ? counted(text) : `${counted(text)}\n`
    })
    const streams = fc.tuple(fc.array(framed, { maxLength: 12 }), fc.string({ maxLength: 9 }))
    const property = fc.property(
      streams,
      fc.array(fc.nat(), { maxLength: 12 }),
      ([all, end], at) => {
        const whole = bytesOf(all.join("") + end)
        const cuts = [...new Set(at.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b)
        const chunks = [0, ...cuts].map((cut, i) => whole.subarray(cut, cuts[i] ?? whole.length))
        expect(take(chunks)).toEqual(take([whole]))
        const single = Array.from(whole, (_, i) => whole.subarray(i, i + 1))
        expect(take(single)).toEqual(take([whole]))
      },
    )
    fc.assert(property, { numRuns: 100 })
  })
})

describe("a message that is too large", () => {
  test("goes by, to its end, and is counted", () => {
    const large = "y".repeat(101)
    const text = `${counted(large)}<1>a\n${large}\n${counted("<2>b")}${large}\r\n<3>c\n`
    expect(takeText(text)).toMatchObject({ messages: ["<1>a", "<2>b", "<3>c"], tooLarge: 3 })
  })

  test("of a megabyte without a line end holds no memory", () => {
    const framing = new SyslogFraming(limits.syslogMessageBytesMax)
    for (let i = 0; i < 64; i++) {
      framing.push(Buffer.alloc(16_384, "z"))
      expect(framing.next()).toBeUndefined()
      expect(framing.heldBytes).toBeLessThanOrEqual(limits.syslogMessageBytesMax)
    }
    expect([framing.tooLarge, framing.isMidMessage]).toEqual([1, true])
    framing.push(bytesOf("\n<1>next\n"))
    expect(Buffer.from(framing.next() ?? []).toString()).toBe("<1>next")
    expect(framing.isMidMessage).toBe(false)
  })

  test("ends the connection if it is longer than is passed over, so that nothing in it is taken for a message", () => {
    const beyond = limits.syslogSkipBytesMax + 1
    for (const length of [`${beyond}`, "99999999999", "9".repeat(31)]) {
      const taken = takeText(`${counted("<1>a")}${length} <2>b\n<3>c\n`)
      expect(taken).toMatchObject({ messages: ["<1>a"], error: "SYSLOG_FRAMING" })
    }
    expect(takeText(`${limits.syslogSkipBytesMax} x`)).toMatchObject({ tooLarge: 1 })
    const chunks = Array.from({ length: 18 }, () => Buffer.alloc(1024 * 1024, "z"))
    expect(take(chunks)).toMatchObject({ tooLarge: 1, error: "SYSLOG_FRAMING" })
  })
})

describe("a message that has only begun", () => {
  test("is given as far as it came", () => {
    expect(takeText(`${counted("<1>a")}20 <2>half`)).toMatchObject({
      ...{ messages: ["<1>a"], unfinished: "<2>half", length: 20 },
    })
    expect(takeText("<1>a\n<2>half")).toMatchObject({ unfinished: "<2>half", length: undefined })
    expect(takeText("<1>a\n12")).toMatchObject({ unfinished: "12", length: undefined })
    expect(takeText("<1>a\n\r\n")).toMatchObject({ unfinished: undefined })
    expect(takeText(`${counted("x".repeat(200))}`.slice(0, 50))).toMatchObject({
      ...{ tooLarge: 1, unfinished: undefined },
    })
  })
})
