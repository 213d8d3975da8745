import { type Room, rooms } from "./floors.ts"

/** True if the room is the wing itself or stands in it. */
export function isWithin(room: string, wing: string): boolean {
  return room === wing || room.startsWith(`${wing}/`)
}

/**
 * How many floors a room stands above the ground: one more than the highest it may import. Throws if the
 * table leads in a circle or names a room that is not in it.
 */
export function floorOf(name: string, table: readonly Room[] = rooms, path: string[] = []): number {
  const room = table.find((candidate) => candidate.name === name)
  if (room === undefined) throw new Error(`${path.at(-1)} uses ${name}, which is not in the table`)
  if (path.includes(name)) throw new Error(`circle of rooms: ${[...path, name].join(" -> ")}`)
  return room.uses.reduce((top, used) => {
    return Math.max(top, 1 + floorOf(used, table, [...path, name]))
  }, 0)
}

/** The room of a path below packages/, undefined if the file stands in a folder that is no room of the table. */
export function roomAt(path: string, table: readonly Room[] = rooms): Room | undefined {
  const match = /^packages\/([^/]+)\/src\/(.+)$/.exec(path)
  if (match === null) return undefined
  const home = match[1] as string
  const steps = (match[2] as string).split("/")
  const file = steps.pop() as string
  if (steps.length === 0) {
    const stem = file.replace(/\..*$/, "")
    return find(table, stem === "index" ? home : `${home}/${stem}`)
  }
  for (let depth = steps.length; depth > 0; depth--) {
    const room = find(table, [home, ...steps.slice(0, depth)].join("/"))
    if (room !== undefined) return room.wing && depth < steps.length ? undefined : room
  }
  return undefined
}

function find(table: readonly Room[], name: string): Room | undefined {
  return table.find((room) => room.name === name)
}
