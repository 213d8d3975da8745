import { afterEach, expect, test, vi } from "vitest"

function storage(start: Record<string, string>) {
  const held = new Map(Object.entries(start))
  return {
    held,
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => held.set(key, value),
  }
}

afterEach(() => vi.unstubAllGlobals())

test.each([
  ["nothing", undefined, []],
  ["a list of indexes", "[3,1]", [3, 1]],
  ["what is no JSON", "{", []],
  ["another type", '"x"', []],
  ["something that is no index", "[1,-1]", []],
])("a basket from %s", async (_what, text, expected) => {
  vi.resetModules()
  vi.stubGlobal("localStorage", storage(text === undefined ? {} : { "postern.basket": text }))
  const { basket } = await import("./values.ts")
  expect(basket.get()).toEqual(expected)
})

test("what is set is kept, told, and read again", async () => {
  vi.resetModules()
  const place = storage({})
  vi.stubGlobal("localStorage", place)
  const { kept } = await import("./kept.ts")
  const value = kept("x", 1, (read) => (typeof read === "number" ? read : undefined))
  let told = 0
  const stop = value.subscribe(() => told++)
  value.set(2)
  stop()
  value.set(3)
  expect([value.get(), told, place.held.get("postern.x")]).toEqual([3, 1, "3"])
})

test("a browser that keeps nothing keeps it for the page", async () => {
  vi.resetModules()
  const refuse = () => {
    throw new Error("denied")
  }
  vi.stubGlobal("localStorage", { getItem: refuse, setItem: refuse })
  const { kept } = await import("./kept.ts")
  const value = kept("x", 1, () => undefined)
  value.set(2)
  expect(value.get()).toBe(2)
})
