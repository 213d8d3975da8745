import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { afterAll, describe, expect, test } from "vitest"
import { loadConfig, readSecretFile, readTextFile } from "./index.ts"

const directory = mkdtempSync(join(tmpdir(), "postern-config-"))
afterAll(() => rmSync(directory, { recursive: true }))

function refusal(act: () => unknown): PosternError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(PosternError)
    return error as PosternError
  }
  throw new Error("it was taken")
}

describe("files", () => {
  test("what is missing, no file or no text is refused by name", () => {
    const missing = join(directory, "none.yaml")
    expect(refusal(() => loadConfig(missing)).message).toContain(
      `${missing} cannot be opened (ENOENT)`,
    )
    expect(refusal(() => loadConfig(directory)).detail).toContain(directory)
    const bytes = join(directory, "bytes.yaml")
    writeFileSync(bytes, Buffer.from([0x61, 0xff, 0x62]))
    expect(refusal(() => readTextFile(bytes)).detail).toBe(`${bytes} is not UTF-8`)
  })

  test("a key is read only if the rest of the machine cannot", () => {
    const key = join(directory, "a.key")
    writeFileSync(key, "secret")
    for (const [mode, taken] of [
      [0o600, true],
      [0o400, true],
      [0o440, true],
      [0o644, false],
      [0o604, false],
      [0o620, false],
    ] as const) {
      chmodSync(key, mode)
      if (taken) expect(readSecretFile(key)).toBe("secret")
      else expect(refusal(() => readSecretFile(key)).detail).toContain(`chmod 600 ${key}`)
    }
  })
})
