import { expect, test } from "vitest"
import { makeRecording, TerminalRecorder } from "./terminal-recording.ts"

const title = { width: 80, height: 24, timestamp: 1_795_420_871 }
const utf8 = (text: string) => new TextEncoder().encode(text)

test("events have the times of all delays before them, and the bytes of their own", () => {
  const made = makeRecording(title, utf8("$ ls\r\na b\r\n"), "0.500000 4\n0.250000 2\n1.000001 5\n")
  expect(made.events).toEqual([
    [0.5, "o", "$ ls"],
    [0.75, "o", "\r\n"],
    [1.750001, "o", "a b\r\n"],
  ])
  expect(made).toMatchObject({ header: { version: 2, ...title }, outputBytes: 11, isWhole: true })
})

test("a letter whose bytes came in two writes is one letter, and other bytes cannot break the text", () => {
  const bytes = new Uint8Array([...utf8("aä"), 0xff, ...utf8("b")])
  const made = makeRecording(title, bytes, "0.1 2\n0.1 1\n0.1 2\n")
  expect(made.events.map(([, , text]) => text)).toEqual(["a", "ä", "\u{fffd}b"])
})

test("a line that is no time is passed over", () => {
  const made = makeRecording(title, utf8("ab"), "0.1 1\nnonsense\n-1 5\n0.1 1\n")
  expect(made.events.map(([, , text]) => text)).toEqual(["a", "b"])
})

test("what is too long for the log is cut at an event, and said to be", () => {
  const megabyte = "x".repeat(1_000_000)
  const made = makeRecording(title, utf8(megabyte.repeat(9)), "0.1 1000000\n".repeat(9))
  expect(made.isWhole).toBe(false)
  expect(made.events).toHaveLength(6)
  expect(made.outputBytes).toBe(9_000_000)
  expect(JSON.stringify(made).length).toBeLessThan(7_100_000)
})

test("times that tell of bytes which are not there leave it unfinished", () => {
  expect(makeRecording(title, utf8("abc"), "0.1 3\n0.1 400\n")).toMatchObject({
    events: [[0.1, "o", "abc"]],
    isWhole: false,
  })
})

test("there is nothing to record without a terminal", () => {
  expect(() => new TerminalRecorder(0)).toThrow(/standard input is none/)
})
