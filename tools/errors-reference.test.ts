import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { errorRegistry } from "../packages/log/src/base/errors.ts"
import { formatPage, groupsOf, pagePath, registryPath } from "./errors-reference.ts"
import { pendingCodes } from "./pending.ts"
import { house, isTest, listFiles, readSource } from "./source.ts"

const codes = Object.keys(errorRegistry)

test("docs/reference/errors.md says what the registry says (if not: npm run docs:errors)", () => {
  expect(readSource(pagePath)).toBe(formatPage(readSource(registryPath), errorRegistry))
})

test("every code is documented once and no documented code is gone", () => {
  const headings = readSource(pagePath).matchAll(/^### (.+)$/gm)
  expect([...headings].map((match) => match[1])).toEqual(codes)
})

test("every code is in a group, and every group has codes", () => {
  const groups = groupsOf(readSource(registryPath))
  expect(groups.flatMap((group) => group.codes)).toEqual(codes)
  expect(groups.filter((group) => group.codes.length === 0)).toEqual([])
})

test("a registry that does not match its source is refused", () => {
  const registry = { EVENT_SYNTAX: errorRegistry.EVENT_SYNTAX }
  expect(() => formatPage(readSource(registryPath), registry)).toThrow("does not list its codes")
})

test("status and kind agree", () => {
  const allowed = { refused: [400, 499], busy: [429, 503], broken: [500, 500], fatal: [500, 500] }
  for (const [code, { kind, status }] of Object.entries(errorRegistry)) {
    const [least, most] = allowed[kind] as [number, number]
    expect(status, code).toBeGreaterThanOrEqual(least)
    expect(status, code).toBeLessThanOrEqual(most)
  }
})

test("messages and hints are parts of a sentence, for a line that begins with postern: error:", () => {
  for (const [code, { message, hint }] of Object.entries(errorRegistry)) {
    expect(message, code).toMatch(/^(?:[a-z]|[A-Z]{2}).*[^.\s]$/)
    expect(hint, code).toMatch(/^(?:[a-z]|[A-Z]{2}).*[^.\s]$/)
  }
})

test("every code is used outside the registry, or pending", () => {
  const text = ["packages/log/src", "packages/client/src", "packages/server/src", "tools/demo"]
    .filter((folder) => existsSync(join(house, folder)))
    .flatMap((folder) => listFiles(folder))
    .filter((path) => path.endsWith(".ts") && !isTest(path) && path !== registryPath)
    .map(readSource)
    .join("\n")
  const dead = codes.filter((code) => !new RegExp(`["'.]${code}\\b`).test(text))
  expect(dead).toEqual([...pendingCodes].sort((a, b) => codes.indexOf(a) - codes.indexOf(b)))
})
