import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isSpiffeId } from "./index.ts"

describe("SPIFFE IDs", () => {
  test.each([
    "spiffe://postern.local/writer/app",
    "spiffe://a/b",
    "spiffe://a-b_c.9/Writer/app.v2/...",
    `spiffe://${"a".repeat(255)}/x`,
  ])("%s is one", (text) => {
    expect(isSpiffeId(text)).toBe(true)
  })

  test.each([
    "",
    "spiffe://",
    "spiffe://postern.local",
    "spiffe://postern.local/",
    "spiffe://postern.local/a/",
    "spiffe://postern.local//a",
    "spiffe:///a",
    "SPIFFE://postern.local/a",
    "spiffe://Postern.local/a",
    "spiffe://postern.local/./a",
    "spiffe://postern.local/a/..",
    "spiffe://postern.local/svc/../admin",
    "spiffe://postern.local@evil.example/a",
    "spiffe://user:password@postern.local/a",
    "spiffe://postern.local:443/a",
    "spiffe://postern.local/a?x=1",
    "spiffe://postern.local/a#b",
    "spiffe://postern.local/%61",
    "spiffe://postern.local/a b",
    "spiffe://postern.local/a\n",
    "\nspiffe://postern.local/a",
    "spiffe://postern.local/a\0",
    "spiffe://postern.local/ä",
    "spiffe://xn--.local/а",
    "spiffe://postern.local/a*",
    "spiffe://postern.local/a\\b",
    "https://postern.local/a",
    `spiffe://${"a".repeat(256)}/x`,
    `spiffe://a/${"x".repeat(2038)}`,
  ])("%j is none", (text) => {
    expect(isSpiffeId(text)).toBe(false)
  })

  test("what is one survives a URL parser unchanged", () => {
    const text = fc.stringMatching(/^spiffe:\/\/[a-z0-9.]{1,8}(\/[A-Za-z._-]{1,3}){1,3}$/)
    fc.assert(
      fc.property(text, (id) => {
        if (isSpiffeId(id)) expect(new URL(id).href).toBe(id)
      }),
    )
  })
})
