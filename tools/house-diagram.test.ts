import { expect, test } from "vitest"
import { rooms } from "./floors.ts"
import { drawHouse, withDrawing } from "./house-diagram.ts"
import { readSource } from "./source.ts"

test("ARCHITECTURE.md shows the house as the floor table has it (if not: npm run house)", () => {
  const text = readSource("ARCHITECTURE.md")
  expect(text).toBe(withDrawing(text, drawHouse()))
})

test("every room of the table is in the drawing", () => {
  const drawing = drawHouse()
  for (const room of rooms.filter(({ name }) => name.includes("/"))) {
    expect(drawing).toMatch(new RegExp(`[ ]${room.name.replace(/^[^/]+\//, "")}[ °*]`))
  }
})

test("another table gives another drawing", () => {
  const moved = rooms.map((room) => {
    return room.name === "server/disk" ? { ...room, uses: ["server/access"] } : room
  })
  expect(drawHouse(moved)).not.toBe(drawHouse())
})

test("a page without a place for the drawing is refused", () => {
  expect(() => withDrawing("# Architecture\n", "x")).toThrow("has no place")
})
