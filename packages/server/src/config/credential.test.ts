import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, describe, expect, test, vi } from "vitest"
import { credentialFile } from "./credential.ts"
import { readSecretFile } from "./index.ts"

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

test("a key comes from the service manager's directory, or it is said how it would", () => {
  writeFileSync(join(base, "log.key"), "secret", { mode: 0o440 })
  expect(() => readSecretFile("credential:log.key")).toThrow("LoadCredentialEncrypted=log.key")
  vi.stubEnv("CREDENTIALS_DIRECTORY", base)
  expect(readSecretFile("credential:log.key")).toBe("secret")
})
