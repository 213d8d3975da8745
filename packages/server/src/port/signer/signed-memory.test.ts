import { generateKeyPairSync } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openCheckpoint } from "@postern/log/tlog"
import { afterAll, expect, test } from "vitest"
import { openKeyFile, openSigner, type Signer, withSignedMemory } from "./index.ts"

const base = mkdtempSync(join(tmpdir(), "postern-memory-"))
afterAll(() => rmSync(base, { recursive: true }))
const origin = "memory.test/log"
const pem = () =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString()
const newSigner = (): Promise<Signer> => openSigner(origin, openKeyFile(origin, pem()), pem())
const root = (byte: number) => new Uint8Array(32).fill(byte)
let files = 0
const newFile = () => join(base, `${files++}.json`)

test("what is signed stands in the file first", async () => {
  const file = newFile()
  const signer = await newSigner()
  let before = ""
  const watched = {
    ...signer,
    signCheckpoint: (size: number, hash: Uint8Array) => {
      before = readFileSync(file, "utf8")
      return signer.signCheckpoint(size, hash)
    },
  }
  const note = await withSignedMemory(watched, file, 0).signCheckpoint(5, root(5))
  expect(await openCheckpoint(note, signer.vkey)).toMatchObject({ size: 5 })
  expect(JSON.parse(before)).toMatchObject({ origin, size: 5 })
})

test("a log that is shorter than what was signed is not opened", async () => {
  const file = newFile()
  const signer = await newSigner()
  await withSignedMemory(signer, file, 0).signCheckpoint(9, root(9))
  expect(() => withSignedMemory(signer, file, 8)).toThrow("9 entries were signed")
  expect(withSignedMemory(signer, file, 9).vkey).toBe(signer.vkey)
})

test("neither a smaller size nor another root at the same size is signed, also by the next life", async () => {
  const file = newFile()
  const signer = await newSigner()
  const first = withSignedMemory(signer, file, 0)
  await first.signCheckpoint(9, root(9))
  for (const life of [first, withSignedMemory(signer, file, 20)]) {
    for (const [size, byte] of [
      [8, 8],
      [9, 8],
    ] as const) {
      const refused = life.signCheckpoint(size, root(byte))
      await expect(refused).rejects.toMatchObject({ code: "LOG_ROLLED_BACK" })
    }
    expect(await life.signCheckpoint(9, root(9))).toContain(origin)
  }
})

test("nothing is signed while the file cannot be written", async () => {
  const signer = withSignedMemory(await newSigner(), join(base, "away", "file"), 0)
  await expect(signer.signCheckpoint(1, root(1))).rejects.toMatchObject({
    code: "SIGNER_UNAVAILABLE",
  })
})

test.each(["", "{}", '{"origin":"x","size":-1.5,"root":"AA=="}'])(
  "a file that says %j is not believed",
  async (text) => {
    const file = newFile()
    writeFileSync(file, text)
    const signer = await newSigner()
    expect(() => withSignedMemory(signer, file, 0)).toThrow("signedMemory")
  },
)
