import { createHash } from "node:crypto"
import { beforeAll, describe, expect, it } from "vitest"
import { buildVerifier } from "./build-verifier.ts"

describe("the offline verifier page", () => {
  let page: string

  beforeAll(async () => {
    page = await buildVerifier()
  })

  const inner = (name: string) => {
    return [...page.matchAll(new RegExp(`<${name}[^>]*>([^]*?)</${name}>`, "g"))].map(
      (match) => match[1] as string,
    )
  }
  const policy = () => /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] as string
  const digest = (text: string) => createHash("sha256").update(text).digest("base64")

  it("has one script and one style, and its policy lets only these run", () => {
    const [script, ...scripts] = inner("script")
    const [style, ...styles] = inner("style")
    expect([scripts, styles]).toEqual([[], []])
    expect(policy()).toContain(`script-src 'sha256-${digest(script as string)}';`)
    expect(policy()).toContain(`style-src 'sha256-${digest(style as string)}';`)
  })

  it("may load and send nothing", () => {
    expect(policy()).toContain("default-src 'none'")
    expect(policy()).toContain("connect-src 'none'")
    expect(policy()).toContain("require-trusted-types-for 'script'")
    expect(policy()).not.toMatch(/unsafe|https?:|\*/)
  })

  it("names no address but that of SVG, and imports nothing", () => {
    const addresses = page.match(/https?:\/\/[^'"\s`)]*/g) ?? []
    expect(new Set(addresses)).toEqual(new Set(["http://www.w3.org/2000/svg"]))
    expect(inner("script")[0]).not.toMatch(/\bimport\s*[({"'*]|\bnode:/)
  })

  it("never turns text into markup", () => {
    expect(page).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/)
  })

  it("is whole: nothing of the template is left, and it is small enough for a mail", () => {
    expect(page).not.toMatch(/\{\{\w+\}\}/)
    expect(page.length).toBeLessThan(150_000)
  })

  it("is the same however often it is built", async () => {
    expect(digest(await buildVerifier())).toBe(digest(page))
  })
})
