import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type LivePort, runHere, startLivePort, writeProfile } from "./live-port.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-send-"))
let port: LivePort

beforeAll(async () => {
  port = await startLivePort(join(base, "audit"))
})
afterAll(async () => {
  await port.stop()
  // The log is what it was told, and it verifies.
  const ran = await runHere(["verify", port.directory, "--full", "--json"])
  rmSync(base, { recursive: true })
  expect(JSON.parse(ran.stdout)).toMatchObject({ verified: true, findings: [] })
})

const send = (input: string, ...more: string[]) =>
  runHere(["send", "--profile", port.writer, ...more], input)

function auditEvent(i: number, more: object = {}): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/default/pods",
    verb: "list",
    user: { username: "admin", groups: ["system:masters"] },
    sourceIPs: ["127.0.0.1"],
    objectRef: { resource: "pods", namespace: "default", apiVersion: "v1" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: "2026-11-22T12:00:00.000000Z",
    stageTimestamp: "2026-11-22T12:00:00.100000Z",
    ...more,
  })
}

describe("postern send --format kubernetes", () => {
  const kubernetes = ["--format", "kubernetes"]

  test("sends more events than a list holds, and knows those that are there already", async () => {
    const input = Array.from({ length: 850 }, (_, i) => auditEvent(i)).join("\n")
    const first = await send(input, ...kubernetes)
    expect([first.status, first.stderr]).toEqual([0, ""])
    expect(first.stdout).toBe("accepted 850, refused 0, duplicates 0\n")
    const again = await send(`${input}\n\n${auditEvent(900)}\n`, ...kubernetes, "--json")
    expect(JSON.parse(again.stdout)).toEqual({
      accepted: 1,
      refused: 0,
      duplicates: 850,
      waiting: 0,
      notKept: 0,
      unproven: 0,
      errors: [],
    })
    expect(again.status).toBe(0)
  })

  test("names the lines that are not taken, and goes on with the others", async () => {
    const lines = [
      auditEvent(1000),
      "{",
      auditEvent(1001, { auditID: 5 }),
      "",
      "[]",
      auditEvent(1002),
    ]
    const ran = await send(lines.join("\n"), ...kubernetes, "--json")
    expect(ran.status).toBe(1)
    const { accepted, refused, errors } = JSON.parse(ran.stdout)
    expect([accepted, refused]).toEqual([2, 3])
    expect(errors.map((error: { line: number }) => error.line).sort()).toEqual([2, 3, 5])
    expect(errors[0]).toMatchObject({ line: 2, code: "EVENT_SYNTAX" })
    expect(ran.stderr).toMatch(/^postern: error: .*3 of 5 events are not in the log, first line 2/)
  })

  test("names the lines of a list of which nothing is taken", async () => {
    const lines = ["", auditEvent(1, { auditID: 5 }), auditEvent(2, { auditID: 6 })]
    const ran = await send(lines.join("\n"), ...kubernetes)
    expect(ran.stdout).toBe("accepted 0, refused 2, duplicates 0\n")
    expect(ran.stderr).toMatch(/^line 2: .*\nline 3: .*\npostern: error: .*\npostern: hint: /)
  })
})

describe("postern send", () => {
  const event = (more: object = {}) =>
    JSON.stringify({ action: "door.opened", actor: "alice", ...more })

  test("fills in what is left out, and counts what is durable and proven", async () => {
    const input = `${Array.from({ length: 1200 }, () => event()).join("\n")}\n`
    const ran = await send(input)
    expect([ran.status, ran.stderr]).toEqual([0, ""])
    expect(ran.stdout).toBe("accepted 1200, refused 0, duplicates 0\n")
    const more = await send(
      event({ id: "mine", source: "app://door", outcome: "denied" }),
      "--json",
    )
    expect(JSON.parse(more.stdout)).toMatchObject({ accepted: 1, refused: 0 })
  })

  test("names each line that is no event, with its code", async () => {
    const lines = [event(), "no", event({ actor: undefined }), "[]", event({ tagets: [] }), event()]
    const ran = await send(lines.join("\n"), "--json")
    expect(ran.status).toBe(1)
    const { accepted, refused, errors } = JSON.parse(ran.stdout)
    expect([accepted, refused]).toEqual([2, 4])
    expect(errors).toMatchObject([
      { line: 2, code: "EVENT_SYNTAX" },
      { line: 3, code: "EVENT_MISSING_FIELD" },
      { line: 4, code: "EVENT_SYNTAX" },
      { line: 5, code: "EVENT_UNKNOWN_KEY", message: expect.stringContaining("tagets") },
    ])
  })

  test("names the lines that the port refuses", async () => {
    const lines = [event(), event({ source: "forbidden://x" }), event()]
    const ran = await send(lines.join("\n"), "--json")
    expect(ran.status).toBe(5)
    const { accepted, errors } = JSON.parse(ran.stdout)
    expect(accepted).toBe(2)
    expect(errors).toMatchObject([{ line: 2, code: "EVENT_SOURCE_NOT_GRANTED" }])
  })

  test("ends at bytes that are no text", async () => {
    const latin = Buffer.from(`${event()}\n${event({ actor: "é" })}`, "latin1")
    const ran = await runHere(["send", "--profile", port.writer], latin)
    expect(ran.status).toBe(1)
    expect(ran.stdout).toBe("accepted 1, refused 0, duplicates 0\n")
    expect(ran.stderr).toMatch(/not valid UTF-8: line 2/)
  })

  test("says when nobody answers, or the profile is not a writer's", async () => {
    const reader = await runHere(["send", "--profile", port.reader], event())
    expect([reader.status, reader.stdout]).toEqual([78, ""])
    expect(reader.stderr).toMatch(/a writer's is needed/)
    const nobody = join(port.directory, "profiles", "nobody.yaml")
    writeProfile(nobody, port.writer, { address: "127.0.0.1:1", spool: "nobody" })
    for (const format of ["event", "kubernetes"]) {
      const ran = await runHere(["send", "--profile", nobody, "--format", format], event())
      expect([ran.status, ran.stdout]).toEqual([4, "accepted 0, refused 0, duplicates 0\n"])
    }
  })
})
