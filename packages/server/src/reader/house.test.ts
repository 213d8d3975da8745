import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { parseAccess } from "../access/index.ts"
import { dataDirectories, parseConfig } from "../config/index.ts"
import { keepEverything, startingPolicy } from "../policy/rules/index.ts"
import { openAlertsDesk } from "./alerts-word.ts"
import { FakeLog } from "./api/fake-log.test.support.ts"
import { openHouse } from "./house.ts"
import { followSurvey } from "./survey-follower.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-house-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

function open() {
  const text = `origin: o
data: data
access: access.yaml
pki: { ca: a, certificate: b, key: c, logKey: d, receiptKey: e, reader: { certificate: f, key: g } }
`
  const config = parseConfig(text, join(directory, "postern.yaml"))
  const places = dataDirectories(config)
  const follower = followSurvey({
    view: new FakeLog(),
    file: join(directory, "survey.json"),
    world: { isInternal: () => false },
    failed: () => undefined,
  })
  const access = parseAccess("identities: []")
  const alerts = openAlertsDesk(config)
  return { alerts, house: openHouse(config, () => access, follower, alerts), places, follower }
}

test("nothing is there before anybody has made it", async () => {
  const { house, follower, places } = open()
  const nothing = { segments: [], usedBytes: 0, freeBytes: -1 }
  expect(await house.storage()).toEqual(nothing)
  mkdirSync(places.log, { recursive: true })
  expect(await house.storage()).toEqual(nothing)
  expect(await house.doctor()).toBeUndefined()
  expect(await house.review()).toBeUndefined()
  expect(await house.vkey()).toBeUndefined()
  await follower.close()
})

test("storage is what the log takes on disk, by segment", async () => {
  const { house, places, follower } = open()
  mkdirSync(join(places.log, "segments"), { recursive: true })
  const segment = join(places.log, "segments", "0000000000000042")
  writeFileSync(`${segment}.start`, "x")
  writeFileSync(`${segment}.seg`, Buffer.alloc(8192, 1))
  const { segments, usedBytes, freeBytes } = await house.storage()
  expect(segments).toEqual([{ first: 42, bytes: 8192 }])
  expect(usedBytes).toBe(8193)
  expect(freeBytes).toBeGreaterThan(0)
  await follower.close()
})

test("the doctor's word is what it left, and nothing if that is no such word", async () => {
  const { house, places, follower } = open()
  mkdirSync(join(places.doctorsWord, ".."), { recursive: true })
  const check = { id: "port.owner", severity: "high", fix: "stop it" }
  const finding = { ...check, subject: "write", result: "fail", evidence: "nginx" }
  const at = "2026-11-22T12:00:00.000Z"
  writeFileSync(places.doctorsWord, JSON.stringify({ at, findings: [finding] }))
  expect(await house.doctor()).toEqual({
    at: Date.parse(at) * 1000,
    checks: [{ ...check, status: "fail", evidence: "write: nginx" }],
  })
  for (const text of ["", "{", "[]", '{"at":"x","findings":[]}', '{"at":1}']) {
    writeFileSync(places.doctorsWord, text)
    expect(await house.doctor()).toBeUndefined()
  }
  await follower.close()
})

test("the review says how many are answered, and what cannot be read is no review", async () => {
  const { house, follower } = open()
  const reviews = join(directory, "reviews")
  mkdirSync(reviews)
  const write = (deadline: string) =>
    writeFileSync(
      join(reviews, "2026-11-01.yaml"),
      `deadline: "${deadline}"\nentries: [{ decision: certify }, { decision: "" }, { decision: }]\n`,
    )
  write("2999-01-01")
  expect(await house.review()).toEqual({ due: "2999-01-01", state: "open", answered: 1, of: 3 })
  write("2020-01-01")
  expect(await house.review()).toMatchObject({ state: "overdue" })
  writeFileSync(join(reviews, "2026-11-02.yaml"), "nonsense")
  expect(await house.review()).toBeUndefined()
  await follower.close()
})

test("the policy is the one that the port keeps, and nothing if that cannot be read", async () => {
  const word = async (text: string | undefined) => {
    const { house, places, follower } = open()
    mkdirSync(dirname(places.keptPolicy), { recursive: true })
    if (text !== undefined) writeFileSync(places.keptPolicy, text)
    const found = await house.policy()
    await follower.close()
    return found
  }
  expect(await word(undefined)).toBeUndefined()
  expect(await word("")).toBe(keepEverything)
  expect((await word(startingPolicy()))?.rules.length).toBe(3)
  expect(await word("rules: later")).toBeUndefined()
})
