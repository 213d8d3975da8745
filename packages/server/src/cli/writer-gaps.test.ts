import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>

const gaps = (...more: string[]) => {
  return runHere(["writer", "gaps", "--profile", live.profiles.reader, ...more])
}

/** A writer of ten events, three of which name a source that it may not name. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-gaps-"))
  live = await startProcesses(join(directory, "installation"))
  const audit = await connect(live.profiles.writer, { onProblem: () => undefined })
  for (let i = 0; i < 10; i++) {
    const source = i % 4 === 1 ? { source: "mail://somebody" } : {}
    audit("invoice.deleted", { actor: "alice", target: `invoice/${i}`, ...source })
  }
  await audit.flush()
  await audit.close()
  await vi.waitFor(
    async () => {
      const { writers } = JSON.parse((await gaps("--json")).stdout)
      expect(writers.find(isApp)?.losses).toHaveLength(1)
    },
    { timeout: 20_000, interval: 200 },
  )
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const isApp = ({ writer }: { writer: string }) => writer.endsWith("/writer/app")

describe("writer gaps", () => {
  test("tells for each writer how blind we are, and of each loss when, why and what to do", async () => {
    const { status, stdout, stderr } = await gaps("--writer", "app")
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^WRITER +BLIND +MISSING +OF KNOWN +WAY IN$/m)
    expect(stdout).toMatch(/^app +30\.00 % +3 +10 +postern$/m)
    expect(stdout).toMatch(
      /^app +refused +\S+Z +\S+Z +3 +EVENT_SOURCE_NOT_GRANTED: .* add the source/m,
    )
    expect(stdout).toMatch(/complete from audit\(\) on/)
  })

  test("prints one JSON document", async () => {
    const { writers, completeness } = JSON.parse((await gaps("--json", "--writer", "app")).stdout)
    expect(Object.keys(completeness)).toEqual(["postern", "http", "kubernetes", "syslog"])
    expect(writers).toMatchObject([
      {
        ...{ writer: "spiffe://postern.local/writer/app", senders: ["postern"] },
        ...{ known: 10, missing: 3, blind: 0.3, atLeast: false },
        losses: [
          {
            kind: "refused",
            count: 3,
            sequences: [
              [1, 2],
              [5, 6],
              [9, 10],
            ],
          },
        ],
      },
    ])
  })

  test("is refused to a writer's profile", async () => {
    const { status } = await runHere(["writer", "gaps", "--profile", live.profiles.writer])
    expect(status).toBe(78)
  })
})
