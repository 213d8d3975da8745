/** Holds the imports of a source file against the floor table: arrows, doors, purity, packages of others. */
import { posix } from "node:path"
import { never, type Room, rooms } from "./floors.ts"
import { purityExceptions } from "./purity-exceptions.ts"
import { isWithin, roomAt } from "./room-of.ts"
import { blank, isTest, lineAt } from "./source.ts"

export interface Import {
  /** What stands between the quotes. */
  readonly specifier: string
  /** From 1. */
  readonly line: number
  /** Names that come in as more than types; `*` for everything. */
  readonly values: readonly string[]
}

/** An import from one room to another. */
export interface Arrow {
  readonly from: string
  readonly to: string
}

/** Static imports and exports with a source, and `import()` of a plain string. */
export function importsOf(text: string): Import[] {
  const code = blank(text)
  const found: Import[] = []
  const pattern =
    /(?<![\w$.])(?:(?:import|export)\b[^"'`;()=]*?\bfrom\s*|import\s*\(?\s*)(?:"( *)"|'( *)')/g
  for (const match of code.matchAll(pattern)) {
    const length = (match[1] ?? match[2] ?? "").length
    const end = match.index + match[0].length - 1
    const specifier = text.slice(end - length, end)
    found.push({ specifier, line: lineAt(text, end), values: valuesOf(match[0]) })
  }
  return found
}

function valuesOf(clause: string): string[] {
  if (/^(?:import|export)\s+type\b/.test(clause)) return []
  const named = /^(?:import|export)\s*\{([^}]*)\}/.exec(clause)?.[1]
  if (named === undefined) return ["*"]
  const names = named.split(",").map((name) => name.trim())
  return names.filter((name) => name !== "" && !name.startsWith("type ")).map(firstWord)
}

function firstWord(text: string): string {
  return text.split(/\s/)[0] as string
}

type Target =
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "outside"; readonly name: string }
  | { readonly kind: "room"; readonly room: string | undefined; readonly door: boolean }

/** Where an import of the file at `path` leads. */
export function targetOf(path: string, specifier: string): Target {
  if (specifier.startsWith("node:")) return { kind: "builtin", name: specifier.slice(5) }
  if (specifier === "#sha256") return { kind: "room", room: "log/base", door: false }
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(path), specifier)
    const room = roomAt(target)
    const isOneFile = room !== undefined && target === `packages/${srcPath(room.name)}.ts`
    const forTests = isTest(path) && isTest(target)
    const door = isOneFile || forTests || target.endsWith("/index.ts")
    return { kind: "room", room: room?.name, door }
  }
  const ours = /^(?:@postern\/(log|client)|(postern))((?:\/[^/]+)*)$/.exec(specifier)
  if (ours === null) {
    return { kind: "outside", name: specifier.split("/", specifier[0] === "@" ? 2 : 1).join("/") }
  }
  const name = `${ours[1] ?? "server"}${ours[3]}`
  return { kind: "room", room: rooms.find((room) => room.name === name)?.name, door: true }
}

function srcPath(room: string): string {
  return room.replace("/", "/src/")
}

/** Everything wrong with the imports of one file, as `path:line: what`. */
export function importFaults(path: string, text: string): string[] {
  const room = roomAt(path)
  if (room === undefined) return [`${path}:1: this folder is no room of tools/floors.ts`]
  return importsOf(text).flatMap((found) => {
    const fault = arrowFault(room, path, found)
    return fault === undefined ? [] : [`${path}:${found.line}: ${fault}`]
  })
}

function arrowFault(room: Room, path: string, found: Import): string | undefined {
  const { specifier, values } = found
  const target = targetOf(path, specifier)
  if (target.kind === "outside") {
    const forTests = ["vitest", "fast-check", ...(room.testsUse ?? [])]
    if (isTest(path) && forTests.includes(target.name)) return undefined
    if (room.outside?.includes(target.name)) return undefined
    return `room ${room.name} may not import the package ${target.name}`
  }
  if (target.kind === "builtin") {
    const free = isTest(path) || purityExceptions.some((exception) => exception.path === path)
    if (free || !isImpure(room, target.name)) return undefined
    return `room ${room.name} is pure and may not import node:${target.name}`
  }
  if (target.room === undefined) return `"${specifier}" leads to no room of tools/floors.ts`
  if (target.room === room.name) return undefined
  const allowed = isTest(path) ? [...room.uses, ...(room.testsUse ?? [])] : room.uses
  if (!allowed.includes(target.room)) return `room ${room.name} may not import room ${target.room}`
  if (!target.door) return `room ${target.room} is imported through its index.ts only`
  if (!room.pure || isTest(path) || rooms.find(({ name }) => name === target.room)?.pure) {
    return undefined
  }
  const taken = values.filter((name) => !room.borrows?.includes(name))
  if (taken.length === 0) return undefined
  return `room ${room.name} is pure and may not import ${taken.join(", ")} of room ${target.room}`
}

/** The log package runs in browsers and knows no builtin; the server's pure rooms may hash, hold bytes and join paths. */
function isImpure(room: Room, builtin: string): boolean {
  if (!room.pure) return false
  return (
    isWithin(room.name, "log") || !["buffer", "crypto", "path", "url", "util"].includes(builtin)
  )
}

const impure: readonly [RegExp, string][] = [
  [/\bDate\.now\b|\bnew Date\s*\(\s*\)|(?<!new )\bDate\(\)|\bperformance\.now\b/g, "reads a clock"],
  [
    /\bMath\.random\b|\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b/g,
    "asks chance",
  ],
  [/(?<![\w$.#])process\.|(?<![\w$])globalThis\.process\b/g, "looks at the process"],
  [/(?<![\w$.#])set(?:Timeout|Interval|Immediate)\s*\(/g, "sets a timer"],
  [/(?<![\w$.#])fetch\s*\(/g, "opens a connection"],
]

/** What a pure room does and may not, as `path:line: what`. Tests and the named exceptions are free. */
export function purityFaults(path: string, text: string): string[] {
  const room = roomAt(path)
  if (!room?.pure || isTest(path)) return []
  if (purityExceptions.some((exception) => exception.path === path)) return []
  const code = blank(text)
  return impure.flatMap(([pattern, what]) => {
    return [...code.matchAll(pattern)].map((match) => {
      return `${path}:${lineAt(text, match.index)}: room ${room.name} is pure and ${what}`
    })
  })
}

/** The arrows between rooms that a file really has. */
export function arrowsOf(path: string, text: string): Arrow[] {
  const from = roomAt(path)?.name
  return importsOf(text).flatMap(({ specifier }) => {
    const target = targetOf(path, specifier)
    if (from === undefined || target.kind !== "room" || target.room === undefined) return []
    return target.room === from ? [] : [{ from, to: target.room }]
  })
}

/** A circle in the arrows, as the rooms one passes through, undefined if there is none. */
export function circleOf(arrows: readonly Arrow[]): string[] | undefined {
  const done = new Set<string>()
  const visit = (room: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(room)) return [...path.slice(path.indexOf(room)), room]
    if (done.has(room)) return undefined
    for (const arrow of arrows) {
      const circle = arrow.from === room ? visit(arrow.to, [...path, room]) : undefined
      if (circle !== undefined) return circle
    }
    done.add(room)
    return undefined
  }
  for (const { from } of arrows) {
    const circle = visit(from, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

/** Arrows between wings that must never meet, in neither direction. */
export function forbidden(arrows: readonly Arrow[]): Arrow[] {
  return arrows.filter(({ from, to }) => {
    return never.some(([a, b]) => {
      return (isWithin(from, a) && isWithin(to, b)) || (isWithin(from, b) && isWithin(to, a))
    })
  })
}
