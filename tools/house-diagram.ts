/**
 * Draws the house from the floor table, for ARCHITECTURE.md. `npm run house` rewrites the drawing there;
 * house-diagram.test.ts compares it.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { never, type Room, rooms } from "./floors.ts"
import { floorOf, isWithin } from "./room-of.ts"
import { house, readSource } from "./source.ts"

const page = "ARCHITECTURE.md"
const begin = "<!-- house: drawn by `npm run house` from tools/floors.ts -->"
const end = "<!-- /house -->"
const width = 86

const packages: readonly { readonly name: string; readonly title: string }[] = [
  { name: "server", title: "packages/server: the daemon and the command line" },
  { name: "client", title: "packages/client: the SDK" },
  { name: "log", title: "packages/log: the language of the log; no I/O, no clock, no dependency" },
]

/** The picture: packages from the top down, in each its rooms by floor. */
export function drawHouse(table: readonly Room[] = rooms): string {
  return [
    ...packages.flatMap(({ name, title }) => drawBox(table, name, title)),
    "",
    "° pure: no clock, file, socket, chance or timer    * wing: rooms inside, a short driver on top",
    `never, in neither direction: ${never.map(([a, b]) => `${short(a)} and ${short(b)}`).join(", ")}`,
  ].join("\n")
}

function drawBox(table: readonly Room[], name: string, title: string): string[] {
  const inside = table.filter((room) => isWithin(room.name, name) && room.name !== name)
  const floors = [...new Set(inside.map((room) => floorOf(room.name, table)))].sort((a, b) => b - a)
  const lines = floors.flatMap((floor) => {
    const here = inside.filter((room) => floorOf(room.name, table) === floor)
    const names = here.map((room) => short(room.name) + (room.pure ? "°" : room.wing ? "*" : ""))
    return wrap(names, "   ", width - 4)
  })
  return [
    `┌─ ${title} ${"─".repeat(width - title.length - 5)}┐`,
    ...lines.map((line) => `│ ${line.padEnd(width - 3)}│`),
    `└${"─".repeat(width - 2)}┘`,
  ]
}

function short(room: string): string {
  return room.replace(/^[^/]+\//, "")
}

function wrap(words: readonly string[], gap: string, columns: number): string[] {
  const lines = [""]
  for (const word of words) {
    const line = lines.at(-1) as string
    const longer = line === "" ? word : line + gap + word
    if (longer.length > columns) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

/** The page with the drawing in its place. Throws if the page has no such place. */
export function withDrawing(text: string, drawing: string): string {
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${page} has no place for the drawing`)
  return `${text.slice(0, from)}${begin}\n\`\`\`text\n${drawing}\n\`\`\`\n${text.slice(to)}`
}

if (import.meta.main) {
  writeFileSync(join(house, page), withDrawing(readSource(page), drawHouse()))
  console.log(drawHouse())
}
