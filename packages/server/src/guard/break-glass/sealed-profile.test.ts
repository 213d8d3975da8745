import { expect, test } from "vitest"
import { createPassphrase, halvesOf, readSealedId, sealProfile, unsealProfile } from "./index.ts"

const id = "spiffe://postern.local/break-glass/one"
const profile = "a profile with a key\n"
const passphrase = createPassphrase()
const sealed = await sealProfile(id, profile, passphrase)

test("a passphrase has 160 bits and never comes again; its halves are its halves", () => {
  expect(passphrase).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){7}[0-9a-hjkmnp-tv-z]{4}$/)
  expect(createPassphrase()).not.toBe(passphrase)
  expect(halvesOf(passphrase).join("-")).toBe(passphrase)
  expect(halvesOf(passphrase).map((half) => half.length)).toEqual([19, 19])
})

test("a sealed profile says whose it is, and shows nothing else", () => {
  expect(readSealedId(sealed)).toBe(id)
  expect(sealed).not.toContain("key")
  expect(Buffer.from(sealed.split("\n")[2] ?? "", "base64").toString("latin1")).not.toContain("key")
})

test("its passphrase opens it, however it is typed", async () => {
  expect(await unsealProfile(sealed, passphrase)).toBe(profile)
  const typed = ` ${passphrase.toUpperCase().replaceAll("-", " ").replaceAll("0", "O")}\n`
  expect(await unsealProfile(sealed, typed)).toBe(profile)
})

test.each([
  ["with another passphrase", sealed, createPassphrase()],
  ["with one half", sealed, halvesOf(passphrase)[0]],
  ["for another identity", sealed.replace("/one", "/two"), passphrase],
  [
    "with a byte changed",
    sealed.replace(/..\n$/, (end) => (end === "==\n" ? "A=\n" : "AA\n")),
    passphrase,
  ],
  ["with a weaker cost", sealed.replace("scrypt 17", "scrypt 01"), passphrase],
  ["cut", sealed.slice(0, -40), passphrase],
  ["empty", "", passphrase],
])("it does not open %s", async (_name, text, typed) => {
  await expect(unsealProfile(text, typed)).rejects.toThrow(/PROFILE_INVALID|profile/)
})
