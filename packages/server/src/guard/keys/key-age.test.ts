import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type Config, readSecretFile } from "../../config/index.ts"
import { makeSegmentKeys, openMacKeys, openSaltKeys, saltKeyId } from "../../disclosures/index.ts"
import { initDirectory } from "../setup/index.ts"
import {
  keyDaysMax,
  listKeyAges,
  rotateMacKey,
  rotateReceiptKey,
  rotateSaltKey,
  rotateSegmentKey,
} from "./index.ts"

let directory: string
let config: Config
const now = new Date()

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-ages-"))
  config = (await initDirectory({ directory: join(directory, "audit") })).config
})

afterEach(() => rmSync(directory, { recursive: true }))

/** Makes a file look as if it had been written so many days ago. */
function age(file: string, days: number): void {
  const time = new Date(now.getTime() - days * 86_400_000)
  utimesSync(file, time, time)
}
const state = (purpose: string) =>
  listKeyAges(config, now).find((one) => one.purpose === purpose)?.state

describe("the age of a key", () => {
  test("is well up to four fifths, then a warning, then too much", () => {
    for (const [purpose, file] of [
      ["log", config.pki.logKey ?? ""],
      ["receipt", config.pki.receiptKey],
    ] as const) {
      const max = keyDaysMax[purpose]
      for (const [days, expected] of [
        [0, "ok"],
        [0.79 * max, "ok"],
        [0.81 * max, "warn"],
        [1.01 * max, "over"],
      ] as const) {
        age(file, days)
        expect([purpose, days, state(purpose)]).toEqual([purpose, days, expected])
      }
    }
  })

  test("is unknown where the key is in no file of ours", () => {
    const { logKey: _logKey, ...pki } = config.pki
    const ages = listKeyAges({ ...config, pki }, now)
    expect(ages.find(({ purpose }) => purpose === "log")).toMatchObject({ state: "unknown" })
  })

  test("of a sealing key is that of the newest, which is made each month", () => {
    expect(state("sealing")).toBeUndefined()
    mkdirSync(config.sealing)
    for (const month of ["2026-09", "2026-10"]) {
      writeFileSync(join(config.sealing, `bodies-${month}.key`), "x")
      age(join(config.sealing, `bodies-${month}.key`), month === "2026-09" ? 400 : 200)
    }
    const [sealing] = listKeyAges(config, now).filter(({ purpose }) => purpose === "sealing")
    expect(sealing?.file).toContain("2026-10")
    expect(sealing?.state).toBe("ok")
  })
})

describe("a new salt key", () => {
  const file = (name: string) => join(config.sealing, name)
  beforeEach(() => mkdirSync(config.sealing))

  test("takes the old one's place, which is kept until the next one", async () => {
    await expect(rotateSaltKey(config)).rejects.toThrow("first start")
    const { current } = await openSaltKeys(config.sealing)
    expect(state("salt")).toBe("ok")
    age(file("salt.key"), 0.81 * keyDaysMax.salt)
    expect(state("salt")).toBe("warn")
    age(file("salt.key"), 1.01 * keyDaysMax.salt)
    expect(state("salt")).toBe("over")
    const rotation = await rotateSaltKey(config)
    expect(state("salt")).toBe("ok")
    const keys = await openSaltKeys(config.sealing)
    expect(saltKeyId(keys.previous ?? keys.current)).toBe(saltKeyId(current))
    expect(rotation).toMatchObject({
      ...{ previous: saltKeyId(current), key: saltKeyId(keys.current) },
    })
    await rotateSaltKey(config)
    const { previous = current } = await openSaltKeys(config.sealing)
    expect(saltKeyId(previous)).toBe(saltKeyId(keys.current))
    expect(readdirSync(config.sealing).toSorted()).toEqual(["salt-previous.key", "salt.key"])
  })
})

describe("a new receipt key", () => {
  test("takes the old one's place, and nothing of the old one is left", () => {
    const before = readSecretFile(config.pki.receiptKey)
    const rotation = rotateReceiptKey(config)
    expect(readSecretFile(config.pki.receiptKey)).not.toBe(before)
    expect(rotation.new).not.toBe(rotation.old)
    expect(existsSync(`${config.pki.receiptKey}.old`)).toBe(false)
    expect(state("receipt")).toBe("ok")
  })

  test("is not made where the service manager keeps it, or another change is under way", () => {
    const pki = { ...config.pki, receiptKey: "credential:receipt" }
    expect(() => rotateReceiptKey({ ...config, pki })).toThrow(/service manager/)
    const before = readFileSync(config.pki.receiptKey)
    writeFileSync(`${config.pki.receiptKey}.new`, "")
    expect(() => rotateReceiptKey(config)).toThrow(/another change/)
    expect(readFileSync(config.pki.receiptKey)).toEqual(before)
  })
})

describe("a new key for HMACs", () => {
  const file = (name: string) => join(config.sealing, name)
  beforeEach(() => mkdirSync(config.sealing))

  test("takes the old one's place, and all of before are kept under their ids", async () => {
    expect(() => rotateMacKey(config)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }))
    const first = (await openMacKeys(config.sealing)).current
    expect(state("hmac")).toBe("ok")
    age(file("hmac.key"), 0.81 * keyDaysMax.hmac)
    expect(state("hmac")).toBe("warn")
    age(file("hmac.key"), 1.01 * keyDaysMax.hmac)
    expect(state("hmac")).toBe("over")
    const rotation = rotateMacKey(config)
    expect(rotation).toMatchObject({ previous: first.kid, former: file(`hmac-${first.kid}.key`) })
    expect(state("hmac")).toBe("ok")
    rotateMacKey(config)
    const { current, all } = await openMacKeys(config.sealing)
    expect(all[0]).toEqual(current)
    const kids = all.map(({ kid }) => kid)
    expect(new Set(kids)).toEqual(new Set([current.kid, rotation.key, first.kid]))
    expect(all).toContainEqual(first)
    // Cut short between its two steps.
    writeFileSync(file(`hmac-${current.kid}.key`), readFileSync(file("hmac.key")))
    expect((await openMacKeys(config.sealing)).all).toHaveLength(3)
    expect(rotateMacKey(config).previous).toBe(current.kid)
    expect((await openMacKeys(config.sealing)).all).toHaveLength(4)
  })

  test("is not made where it was lost, and none is taken for another", async () => {
    const { kid } = (await openMacKeys(config.sealing)).current
    rotateMacKey(config)
    const bytes = readFileSync(file("hmac.key"))
    rmSync(file("hmac.key"))
    await expect(openMacKeys(config.sealing)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    writeFileSync(file("hmac.key"), bytes)
    writeFileSync(file(`hmac-${kid}.key`), bytes)
    await expect(openMacKeys(config.sealing)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
  })
})

test("the age of the key that wraps those of persons is that of its file", () => {
  expect(state("personal")).toBeUndefined()
  mkdirSync(config.sealing)
  for (const name of ["personal-7.key", "personal-8.key.new"])
    writeFileSync(join(config.sealing, name), "x")
  expect(state("personal")).toBe("ok")
  age(join(config.sealing, "personal-7.key"), 1.01 * keyDaysMax.personal)
  expect(state("personal")).toBe("over")
})

test("a new key for segments keeps the one of before, readable to whom it was", async () => {
  expect(() => rotateSegmentKey(config)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }))
  mkdirSync(config.sealing)
  const first = (await makeSegmentKeys(config.sealing)).current
  expect(state("segments")).toBe("ok")
  const file = join(config.sealing, "segments.key")
  age(file, 1.01 * keyDaysMax.segments)
  expect(state("segments")).toBe("over")
  chmodSync(file, 0o640)
  const { former, key, previous } = rotateSegmentKey(config)
  expect(previous).toBe(first.kid)
  expect(former).toBe(join(config.sealing, `segments-${first.kid}.key`))
  expect(statSync(former).mode & 0o777).toBe(0o640)
  expect(statSync(file).mode & 0o777).toBe(0o640)
  const { current, all } = await makeSegmentKeys(config.sealing)
  expect(current.kid).toBe(key)
  expect(all).toContainEqual(first)
  expect(state("segments")).toBe("ok")
})
