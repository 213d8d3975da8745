import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type Config, readSecretFile } from "../../config/index.ts"
import { openSaltKeys, saltKeyId } from "../../disclosures/index.ts"
import { initDirectory } from "../setup/index.ts"
import { keyDaysMax, listKeyAges, rotateReceiptKey, rotateSaltKey } from "./index.ts"

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
