import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatHex, isPosternError, sha256 } from "../base/index.ts"
import { formatCheckpoint, leafHash, openCheckpoint, parseCheckpoint, signNote } from "./index.ts"
import { signerOf } from "./signer.test.support.ts"

const url = new URL("../../../../docs/spec/vectors/notes.json", import.meta.url)
const notes: { name: string; vkeys: string[]; note: string }[] = JSON.parse(
  readFileSync(url, "utf8"),
).notes
const invalid = expect.objectContaining({ code: "NOTE_INVALID" })

function noteNamed(part: string): { note: string; vkey: string } {
  const found = notes.find(({ name }) => name.includes(part))
  return { note: found?.note ?? "", vkey: found?.vkeys[0] ?? "" }
}

test("a Sigsum tree head opens", async () => {
  const { note, vkey } = noteNamed("Sigsum")
  const { origin, size, root } = await openCheckpoint(note, vkey)
  expect(origin).toMatch(/^sigsum\.org\/v1\/tree\/e796172b/)
  expect(size).toBe(10)
  expect(formatHex(root)).toBe(`1c0e47${"0".repeat(58)}`)
})

test("a checkpoint with a witness's cosignature opens with the log's key", async () => {
  const { note, vkey } = noteNamed("cosignature")
  const { origin, size, root } = await openCheckpoint(note, vkey)
  expect([origin, size]).toEqual(["postern.example/log", 1])
  expect(formatHex(root)).toBe(formatHex(leafHash(new TextEncoder().encode("hello"))))
})

test("a note that is no checkpoint does not open as one", async () => {
  const { note, vkey } = noteNamed("example of C2SP")
  await expect(openCheckpoint(note, vkey)).rejects.toThrow(invalid)
})

test("a checkpoint with another origin than its key's name does not open", async () => {
  const signer = signerOf("postern.example/log", 1)
  const root = new Uint8Array(32)
  const own = formatCheckpoint({ origin: signer.name, size: 1, root })
  const foreign = formatCheckpoint({ origin: "other.example/log", size: 1, root })
  expect((await openCheckpoint(await signNote(own, signer), signer.vkey)).size).toBe(1)
  const opened = openCheckpoint(await signNote(foreign, signer), signer.vkey)
  await expect(opened).rejects.toThrow(invalid)
})

describe("the text of a checkpoint", () => {
  const root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

  test("is written and read, at every size", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (size) => {
        const checkpoint = { origin: "a.example/log", size, root: sha256(Uint8Array.of(1)) }
        const parsed = parseCheckpoint(formatCheckpoint(checkpoint))
        expect({ ...parsed, root: formatHex(parsed.root) }).toEqual({
          ...checkpoint,
          root: formatHex(checkpoint.root),
        })
      }),
    )
  })

  test.each([
    "",
    "\n",
    "a\n0\n",
    `a\n0\n${root}`,
    `a\n0\n${root}\nextension\n`,
    `a\n0\n${root}\n\n`,
    `\n0\n${root}\n`,
    `a b\n0\n${root}\n`,
    `a+b\n0\n${root}\n`,
    `a\r\n0\n${root}\n`,
    `a\n\n${root}\n`,
    `a\n00\n${root}\n`,
    `a\n01\n${root}\n`,
    `a\n-1\n${root}\n`,
    `a\n+1\n${root}\n`,
    `a\n1e3\n${root}\n`,
    `a\n0x1\n${root}\n`,
    `a\n 1\n${root}\n`,
    `a\n9007199254740992\n${root}\n`,
    `a\n18446744073709551616\n${root}\n`,
    `a\n1\n${root.slice(0, -1)}\n`,
    `a\n1\n${root.replace("U=", "V=")}\n`,
    `a\n1\nAAAA${root}\n`,
    "a\n1\n\n",
  ])("%j is refused", (text) => {
    expect(() => parseCheckpoint(text)).toThrow(invalid)
  })

  test("whatever text comes, is one or NOTE_INVALID", () => {
    const text = `a.example/log\n1234\n${root}\n`
    const change = fc.tuple(fc.nat(text.length), fc.nat(2), fc.string({ maxLength: 3 }))
    fc.assert(
      fc.property(change, ([at, drop, put]) => {
        const mutated = text.slice(0, at) + put + text.slice(at + drop)
        try {
          expect(formatCheckpoint(parseCheckpoint(mutated))).toBe(mutated)
        } catch (error) {
          if (!isPosternError(error)) throw error
        }
      }),
    )
  })
})
