import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, expect, test } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "postern-console-"))

beforeAll(() => {
  const vite = fileURLToPath(new URL("../../../node_modules/vite/bin/vite.js", import.meta.url))
  // As npm run build does it: a test's own NODE_ENV would bring the parts for development along.
  const env = { ...process.env, NODE_ENV: "production" }
  execFileSync(process.execPath, [vite, "build", root, "--outDir", folder, "--emptyOutDir"], {
    env,
  })
}, 180_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("all scripts and styles together are at most 200 kB compressed", () => {
  const assets = readdirSync(join(folder, "assets")).filter((name) => /\.(?:js|css)$/.test(name))
  const sizes = assets.map((name) => {
    return gzipSync(readFileSync(join(folder, "assets", name)), { level: 9 }).length
  })
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(200_000)
})

test("the licences of everything that is bundled are beside it", () => {
  const licences = readFileSync(join(folder, "licences.txt"), "utf8")
  for (const name of ["react", "react-dom", "uplot", "@tanstack/virtual-core"]) {
    expect(licences).toContain(`## ${name} - `)
  }
  expect(licences).toContain("MIT")
})

test("the page has no inline script or style, and asks no other host for anything", () => {
  const page = readFileSync(join(folder, "index.html"), "utf8")
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=/)
  for (const [, attributes = "", inside = ""] of page.matchAll(/<script([^>]*)>([^<]*)</g)) {
    expect(attributes).toMatch(/src="\/assets\//)
    expect(inside).toBe("")
  }
  const links = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] as string)
  expect(links.filter((link) => !/^(?:\/assets\/|data:image\/svg)/.test(link))).toEqual([])
  const styles = readdirSync(join(folder, "assets")).filter((name) => name.endsWith(".css"))
  for (const name of styles) {
    expect(readFileSync(join(folder, "assets", name), "utf8")).not.toMatch(/url\(|@import/)
  }
})
