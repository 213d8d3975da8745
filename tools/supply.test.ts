import { expect, test } from "vitest"
import { type RuntimePackage, runtimePackages } from "./runtime-packages.ts"
import { supplyFaults } from "./supply.ts"

const packages = runtimePackages()

test("every runtime package has a licence of the list and runs nothing at installation", () => {
  expect(supplyFaults(packages)).toEqual([])
})

test("the runtime packages are those of the server and of what it needs, and none for development", () => {
  const names = packages.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(["@postern/log", "hono", "prom-client", "tdigest"]))
  expect(names).not.toContain("vitest")
  expect(new Set(packages.map(({ place }) => place)).size).toBe(packages.length)
})

const sound = packages.find(({ name }) => name === "zod") as RuntimePackage
test.each([
  ["a licence that is not on the list", { licence: "AGPL-3.0-only" }, /its licence is AGPL/],
  ["a choice of licences", { licence: "(MIT OR GPL-2.0)" }, /its licence is \(MIT OR/],
  ["no licence", { licence: undefined }, /not said/],
  ["a script that npm would run", { scripts: ["postinstall"] }, /it runs postinstall/],
])("%s is a fault", (_what, more, fault) => {
  const faults = supplyFaults([sound, { ...sound, ...more }])
  expect(faults).toEqual([expect.stringMatching(fault)])
})
