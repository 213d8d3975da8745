import { beforeEach, describe, expect, test } from "vitest"
import type { OwnEntry } from "./own-stream.ts"
import type { Stream } from "./sequencer/index.ts"
import { writer as id, streamOf } from "./session/sessions.test.support.ts"
import { Silence } from "./silence.ts"

const app = { id, cadence: "10s", cadenceMs: 10_000 }
let said: string[]
let silence: Silence
let stream: Stream

beforeEach(() => {
  said = []
  silence = new Silence({
    record: ({ action, data }: OwnEntry) => {
      expect(data.writer).toBe(id)
      said.push(
        `${action.slice("postern.writer.".length)} ${data.since ?? data.expected ?? ""}`.trim(),
      )
    },
  })
  stream = streamOf(7)
})

const look = (seconds: number, expected = [app], streams = [stream]): void => {
  silence.look(expected, streams, seconds * 1000)
}

describe("a writer that is expected", () => {
  test("is silent once its time is over, said once, and heard again once it speaks", () => {
    look(0)
    look(10)
    expect(said).toEqual([])
    look(11)
    look(60)
    expect(said).toEqual(["silent 1970-01-01T00:00:00.000Z"])
    expect(silence.count).toBe(1)
    stream.next = 1
    look(61)
    expect(silence.count).toBe(0)
    stream.next = 2
    look(65)
    look(76)
    expect(said.slice(1)).toEqual(["heard", "silent 1970-01-01T00:01:05.000Z"])
  })

  test("is given its whole time anew at a start, and what it sent before is no sign of life", () => {
    stream.next = 500
    look(100)
    look(109)
    expect(said).toEqual([])
    look(111)
    expect(said).toHaveLength(1)
  })

  test("speaks in any of its streams, also in a new one; a connection without events is none", () => {
    look(0)
    look(11)
    const fresh = streamOf(9)
    look(12, [app], [stream, fresh])
    expect(said).toHaveLength(1)
    fresh.next = 1
    look(13, [app], [stream, fresh])
    expect(said[1]).toBe("heard")
    look(14, [app], []) // Its streams were closed.
    expect(said).toHaveLength(2)
  })

  test("and is not any more leaves no silence behind", () => {
    look(0)
    look(11)
    look(12, [])
    expect(said[1]).toBe("heard false")
    expect(silence.count).toBe(0)
    look(13)
    look(20)
    expect(said).toHaveLength(2)
  })
})
