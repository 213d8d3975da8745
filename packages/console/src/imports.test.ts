import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { importsOf } from "../../../tools/imports.ts"

const source = fileURLToPath(new URL(".", import.meta.url))
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) =>
  /\.tsx?$/.test(name),
)
const ours = files.filter((name) => !/\.test\./.test(name))
const outside = [
  "react",
  "react-dom/client",
  "@tanstack/react-query",
  "@tanstack/react-virtual",
  "uplot",
]
/** The words and pieces of the offline page; nothing else of another package is reached by its path. */
const offlinePage = /^packages\/log\/verifier\/(?:words|trust|signatures|reading|values)\.ts$/

function specifiersIn(name: string): string[] {
  return importsOf(readFileSync(join(source, name), "utf8")).map(({ specifier }) => specifier)
}

test("the console imports what its manifest names, @postern/log, and nothing of the server", () => {
  const strange = ours.flatMap((name) => {
    return specifiersIn(name).filter((specifier) => {
      if (specifier.startsWith("@postern/log/")) return false
      if (!specifier.startsWith(".")) return !outside.includes(specifier)
      const target = normalize(join("packages/console/src", dirname(name), specifier))
      return !target.startsWith("packages/console/src/") && !offlinePage.test(target)
    })
  })
  expect(strange).toEqual([])
  expect(ours.length).toBeGreaterThan(40)
})

test("requests are made in api/ alone", () => {
  const asking = ours.filter((name) => {
    const text = readFileSync(join(source, name), "utf8")
    return /(?<![.#\w])fetch\(|new EventSource|XMLHttpRequest|WebSocket|sendBeacon/.test(text)
  })
  expect(asking.filter((name) => !name.startsWith("api/"))).toEqual([])
  expect(asking.length).toBeGreaterThan(0)
})

test("nothing makes markup out of text", () => {
  const making = /dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|document\.write|\beval\(/
  const found = ours.filter((name) => making.test(readFileSync(join(source, name), "utf8")))
  expect(found).toEqual([])
})
