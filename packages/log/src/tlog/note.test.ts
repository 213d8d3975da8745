import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8, formatHex, isPosternError } from "../base/index.ts"
import { formatNote, formatVkey, openNote, parseNote, parseVkey, signNote } from "./index.ts"
import { signerOf } from "./signer.test.support.ts"

interface Vectors {
  vkeys: { vkey: string; name: string; keyId: string; publicKey: string }[]
  badVkeys: { name: string; vkey: string }[]
  notes: {
    name: string
    vkeys: string[]
    note: string
    opens: boolean
    text?: string
    verifiedBy?: string[]
  }[]
}

const url = new URL("../../../../docs/spec/vectors/notes.json", import.meta.url)
const vectors = JSON.parse(readFileSync(url, "utf8")) as Vectors
const invalid = expect.objectContaining({ code: "NOTE_INVALID" })

describe("verifier keys", () => {
  test.each(vectors.vkeys)("$vkey is read and written", ({ vkey, name, keyId, publicKey }) => {
    const parsed = parseVkey(vkey)
    expect(parsed.name).toBe(name)
    expect(parsed.keyId).toBe(Number.parseInt(keyId, 16))
    expect(formatHex(parsed.publicKey)).toBe(publicKey)
    expect(formatVkey(name, parsed.publicKey)).toBe(vkey)
  })

  test.each(vectors.badVkeys)("is refused: $name", ({ vkey }) => {
    expect(() => parseVkey(vkey)).toThrow(invalid)
  })
})

describe("opening a note", () => {
  const good = vectors.notes.filter(({ opens }) => opens)
  const bad = vectors.notes.filter(({ opens }) => !opens)

  test.each(good)("succeeds: $name", async ({ note, vkeys, text, verifiedBy }) => {
    const opened = await openNote(note, vkeys)
    expect(opened.text).toBe(text)
    expect(opened.verifiedBy.map(({ name }) => name)).toEqual(verifiedBy)
    expect(formatNote(parseNote(note))).toBe(note)
  })

  test.each(bad)("fails: $name", async ({ note, vkeys }) => {
    await expect(openNote(note, vkeys)).rejects.toThrow(invalid)
  })

  test("there are vectors of both kinds", () => {
    expect(good.length).toBeGreaterThan(10)
    expect(bad.length).toBeGreaterThan(30)
  })

  test("fails if a known key cannot be parsed, whatever the note", async () => {
    const signer = signerOf("a.example", 1)
    const note = await signNote("text\n", signer)
    await expect(openNote(note, [signer.vkey, "nonsense"])).rejects.toThrow(invalid)
  })

  test("half a surrogate pair has no UTF-8, so nobody can have signed it", async () => {
    const signer = signerOf("a.example", 1)
    const note = (await signNote("a\ufffdb\n", signer)).replace("\ufffd", "\ud800")
    await expect(openNote(note, [signer.vkey])).rejects.toThrow(invalid)
  })

  test("a note of a megabyte opens, a larger one is refused, by its bytes", async () => {
    const signer = signerOf("a.example", 1)
    const most = 1_000_000 - encodeUtf8(await signNote("\n", signer)).length
    const noteOf = (text: string) => signNote(`${text}\n`, signer)
    expect((await openNote(await noteOf("x".repeat(most)), [signer.vkey])).text.length).toBe(
      most + 1,
    )
    for (const text of ["x".repeat(most + 1), "ü".repeat(most / 2 + 1)]) {
      await expect(openNote(await noteOf(text), [signer.vkey])).rejects.toThrow(invalid)
    }
  })
})

describe("signing a note", () => {
  test("with an asynchronous signer gives what the key opens", async () => {
    const signer = signerOf("postern.example/log", 1)
    const { name, keyId } = signer
    const sign = async (message: Uint8Array) => signer.sign(message)
    const note = await signNote("some\n\ntext\n", { name, keyId, sign })
    const opened = await openNote(note, [signer.vkey])
    expect(opened.text).toBe("some\n\ntext\n")
  })

  test.each(["", "no line feed", "tab\t\n", "cr\r\n", "\ud800\n"])(
    "refuses the text %j as our own mistake",
    async (text) => {
      await expect(signNote(text, signerOf("a", 1))).rejects.toThrow("invariant broken")
    },
  )
})

describe("whatever text comes,", () => {
  const [sample] = vectors.notes.filter(({ name }) => name === "two known keys")
  const { note = "", vkeys = [] } = sample ?? {}

  test("parseNote ends in a note that is written the same, or in NOTE_INVALID", () => {
    const pieces = fc.constantFrom("\n", "\n\n", "— ", " ", "+", "=", "\u0000", "AAAAAAAAAAA=", "ü")
    const garbage = fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 12 })
    fc.assert(
      fc.property(garbage, (parts) => {
        onlyInvalid(parts.join(""))
        onlyInvalid(`text\n\n${parts.join("")}`)
      }),
    )
  })

  test("no change to a signed note opens, but such as leave text and one signature", async () => {
    const change = fc.tuple(fc.nat(note.length - 1), fc.nat(2), fc.string({ maxLength: 2 }))
    const property = fc.asyncProperty(change, async ([at, drop, put]) => {
      const mutated = note.slice(0, at) + put + note.slice(at + drop)
      try {
        const { text } = await openNote(mutated, vkeys)
        expect(text).toBe(sample?.text)
      } catch (error) {
        if (!isPosternError(error)) throw error
      }
    })
    await fc.assert(property, { numRuns: 300 })
  })

  test("parseVkey ends in a key that is written the same, or in NOTE_INVALID", () => {
    const vkey = vectors.vkeys[0]?.vkey ?? ""
    const change = fc.tuple(fc.nat(vkey.length - 1), fc.nat(2), fc.string({ maxLength: 2 }))
    fc.assert(
      fc.property(change, ([at, drop, put]) => {
        const mutated = vkey.slice(0, at) + put + vkey.slice(at + drop)
        try {
          const { name, publicKey } = parseVkey(mutated)
          expect(formatVkey(name, publicKey)).toBe(mutated)
        } catch (error) {
          if (!isPosternError(error)) throw error
        }
      }),
    )
  })
})

function onlyInvalid(text: string): void {
  try {
    expect(formatNote(parseNote(text))).toBe(text)
  } catch (error) {
    if (!isPosternError(error)) throw error
  }
}
