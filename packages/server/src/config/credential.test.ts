import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, describe, expect, test, vi } from "vitest"
import { credentialFile } from "./credential.ts"
import { readSecretFile, readTextFile } from "./index.ts"

const base = mkdtempSync(join(tmpdir(), "postern-credential-"))
afterAll(() => rmSync(base, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

describe("a path", () => {
  test("that names a credential leads into the directory of credentials", () => {
    expect(credentialFile("credential:log.key", "/run/c")).toBe("/run/c/log.key")
  })

  test("that names none stays as it is", () => {
    expect(credentialFile("/pki/log.key", undefined)).toBe("/pki/log.key")
  })

  test.each([
    "credential:",
    "credential:../x",
    "credential:a/b",
    "credential:.x",
    "credential:a b",
  ])("such as %s leads nowhere", (path) => {
    expect(() => credentialFile(path, "/run/c")).toThrow("a credential's name")
  })
})

test("a credential with the name of a key's file stands for the file, of other files and others' not", () => {
  writeFileSync(join(base, "receipt.key"), "handed over", { mode: 0o440 })
  writeFileSync(join(base, "ca.crt"), "handed over")
  const beside = mkdtempSync(join(tmpdir(), "postern-beside-"))
  const file = (name: string, text: string) => {
    writeFileSync(join(beside, name), text, { mode: 0o600 })
    return join(beside, name)
  }
  const key = file("receipt.key", "of the file")
  const other = file("other.key", "of the other")
  const ca = file("ca.crt", "of the file")
  expect(readSecretFile(key)).toBe("of the file")
  vi.stubEnv("CREDENTIALS_DIRECTORY", base)
  expect(readSecretFile(key)).toBe("handed over")
  expect(readSecretFile(other)).toBe("of the other")
  expect(readTextFile(ca)).toBe("of the file")
  rmSync(beside, { recursive: true })
})

test("a key comes from the service manager's directory, or it is said how it would", () => {
  writeFileSync(join(base, "log.key"), "secret", { mode: 0o440 })
  expect(() => readSecretFile("credential:log.key")).toThrow("LoadCredentialEncrypted=log.key")
  vi.stubEnv("CREDENTIALS_DIRECTORY", base)
  expect(readSecretFile("credential:log.key")).toBe("secret")
})
