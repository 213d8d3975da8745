import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { FakeLog } from "./api/fake-log.test.support.ts"
import { followSurvey } from "./survey-follower.ts"

const app = "spiffe://postern.test/writer/app"
let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-survey-"))
  file = join(directory, "survey.json")
})
afterEach(() => rmSync(directory, { recursive: true }))

const failures: string[] = []
function follow(view: FakeLog) {
  return followSurvey({
    view,
    file,
    world: { isInternal: () => false },
    failed: (what, error) => failures.push(`${what} ${String(error)}`),
  })
}

async function reached(view: FakeLog) {
  const follower = follow(view)
  await vi.waitFor(() => expect(follower.isComplete()).toBe(true), { timeout: 10_000 })
  return follower
}

test("says that it is not complete until it has read all, and follows from there", async () => {
  const log = new FakeLog()
  log.fill(10_000)
  const follower = follow(log)
  expect(follower.isComplete()).toBe(false)
  await vi.waitFor(() => expect(follower.isComplete()).toBe(true), { timeout: 10_000 })
  expect(follower.survey().writers.get(app)?.entries).toBe(10_000)
  log.fill(5)
  await vi.waitFor(() => expect(follower.survey().writers.get(app)?.entries).toBe(10_005), {
    timeout: 10_000,
  })
  await follower.close()
  expect(failures).toEqual([])
})

test("goes on after a restart without reading again what it has read", async () => {
  const log = new FakeLog()
  log.fill(3000)
  await (await reached(log)).close()
  log.fill(7)
  log.reads = 0
  const follower = await reached(log)
  expect(log.reads).toBe(7)
  expect(follower.survey().writers.get(app)?.entries).toBe(3007)
  await follower.close()
})

test.each<[string, (text: string) => string]>([
  ["cut off", (text) => text.slice(0, -30)],
  ["of another tree", (text) => text.replace(/"root":"..../, '"root":"AAAA')],
  ["ahead of the log", (text) => text.replace(/"position":\d+/, '"position":999999')],
  ["of another log", (text) => text.replace("postern.test/log", "postern.test/other")],
])("begins anew if what was kept is %s", async (_, change) => {
  const log = new FakeLog()
  log.fill(20)
  await (await reached(log)).close()
  writeFileSync(file, change(readFileSync(file, "utf8")))
  log.reads = 0
  const follower = await reached(log)
  expect(log.reads).toBe(log.all.length)
  expect(follower.survey().writers.get(app)?.entries).toBe(20)
  await follower.close()
})

test("that cannot be kept goes on, and says so", async () => {
  const log = new FakeLog()
  log.fill(3)
  file = join(directory, "absent", "survey.json")
  const follower = await reached(log)
  await follower.close()
  expect(failures.splice(0).join()).toContain("could not be kept")
  expect(follower.survey().writers.get(app)?.entries).toBe(3)
})
