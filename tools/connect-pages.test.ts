import { expect, test } from "vitest"
import { sources } from "../packages/console/src/start/sources.ts"
import { recipes } from "../packages/server/src/guard/connect/index.ts"
import { drawnPages, pagePath } from "./connect-pages.ts"
import { listPages } from "./documents.ts"
import { readSource } from "./source.ts"

test("the pages of sources say what postern connect says: npm run docs:connect", () => {
  for (const [path, text] of drawnPages()) expect(readSource(path), path).toBe(text)
})

test("there is a page for each source, and no other", () => {
  const pages = listPages().filter((page) => page.startsWith("docs/start/connect/"))
  expect(pages.sort()).toEqual(recipes.map(({ name }) => pagePath(name)).sort())
})

test("the console offers the same sources, in the same words", () => {
  const offered = sources.map(({ name, title, way }) => ({ name, title, way }))
  expect(offered).toEqual(recipes.map(({ name, title, way }) => ({ name, title, way })))
})
