import { readFile } from "node:fs/promises"
import { expect, it } from "vitest"
import { buildCore, generatedPath } from "./build-core.ts"

it("builds from the sources the very module that is checked in", async () => {
  expect(await buildCore()).toBe(await readFile(generatedPath, "utf8"))
})
