import { PassThrough } from "node:stream"
import { describe, expect, test } from "vitest"
import type { AlarmChange } from "../guard/monitor/index.ts"
import type { CommandIo } from "./io.ts"
import { MonitorVoice } from "./monitor-voice.ts"

function voiceOf(json: boolean) {
  const said: string[] = []
  let now = Date.parse("2026-11-22T12:00:00Z")
  const io: CommandIo = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
    color: false,
    line: (text) => void said.push(text),
    note: (text) => void said.push(`note ${text}`),
    now: () => new Date(now),
  }
  const later = (ms: number) => {
    now += ms
  }
  return { voice: new MonitorVoice("a.test/log", json, io), said, later }
}

const change: AlarmChange = {
  alarm: "bad-tree",
  state: "raised",
  since: 1_000,
  at: 2_000,
  detail: "tile\u001b[2J 0/1",
  evidence: "/kept",
}

describe("what a monitor says", () => {
  test("to a person is a line without anything that moves a terminal", () => {
    const { voice, said } = voiceOf(false)
    voice.alarm(change)
    voice.alarm({ alarm: "stale", state: "recovered", since: 1, at: 2, detail: "x" })
    voice.tell({ what: "opened", size: 0, forgotten: "gone" })
    voice.tell({ what: "opened", size: 0 })
    voice.tell({ what: "opened", size: 7 })
    voice.tell({ what: "deriving", entries: 5, of: 9 })
    voice.undelivered("status\n500")
    const at = "2026-11-22T12:00:00.000Z"
    expect(said).toEqual([
      `${at} ALARM bad-tree (critical) of a.test/log: tile\\u{1b}[2J 0/1; kept in /kept`,
      `${at} over: stale (warning) of a.test/log: x`,
      `${at} watching a.test/log; nothing is remembered: gone`,
      `${at} watching a.test/log, for the first time`,
      `${at} watching a.test/log, known up to 7 entries`,
      `${at} deriving the tree: 5 of 9 entries`,
      "note postern: the webhook took no alarm, it is sent again: status\\u{a}500",
    ])
  })

  test("of growth is no flood", () => {
    const { voice, said, later } = voiceOf(false)
    for (let i = 0; i < 240; i++) {
      voice.tell({ what: "derived", size: i, saw: "entries" })
      later(5_000)
    }
    expect(said.length).toBe(2)
  })

  test("to a program and to a webhook is one object, the same", () => {
    const { voice, said } = voiceOf(true)
    voice.alarm(change)
    voice.tell({ what: "derived", size: 5, saw: "hashes" })
    const content = {
      alarm: "bad-tree",
      severity: "critical",
      state: "raised",
      origin: "a.test/log",
      detail: "tile\u001b[2J 0/1",
      since: "1970-01-01T00:00:01.000Z",
      at: "1970-01-01T00:00:02.000Z",
      evidence: "/kept",
    }
    const time = "2026-11-22T12:00:00.000Z"
    expect(said.map((line) => JSON.parse(line))).toEqual([
      { time, what: "alarm", ...content },
      { time, what: "derived", size: 5, saw: "hashes" },
    ])
    expect(JSON.parse(voice.message(change))).toEqual({ postern: "alarm@v1", ...content })
  })
})
