/**
 * The packages that an installation runs with: what `packages/server` depends on, and what that depends on, as they lie in
 * node_modules. tools/pack.ts puts them into the artefact; tools/supply.ts judges them.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export interface RuntimePackage {
  readonly name: string
  readonly version: string
  readonly licence: string | undefined
  /** What npm would run at installation; empty is what we want. */
  readonly scripts: readonly string[]
  /** Below the root: node_modules/NAME, or deeper where two need different versions. */
  readonly place: string
  /** Where it really lies; for our own packages that is not below node_modules. */
  readonly directory: string
  readonly isOurs: boolean
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: unknown
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export const root = fileURLToPath(new URL("..", import.meta.url))
const installing = ["preinstall", "install", "postinstall"]

export function readManifest(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest
}

/** Sorted by place. Throws if one is missing. */
export function runtimePackages(from = join(root, "packages/server")): RuntimePackage[] {
  const found = new Map<string, RuntimePackage>()
  const waiting = needsOf(from).map((name) => ({ name, by: "" }))
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const place = placeOf(next.name, next.by)
    if (found.has(place)) continue
    const directory = realpathSync(join(root, place))
    const { name, version, license, scripts = {} } = readManifest(directory)
    found.set(place, {
      ...{ name, version, place, directory, isOurs: !directory.includes("node_modules") },
      licence: typeof license === "string" ? license : undefined,
      scripts: installing.filter((script) => script in scripts),
    })
    waiting.push(...needsOf(directory).map((needed) => ({ name: needed, by: place })))
  }
  return [...found.values()].sort((a, b) => (a.place < b.place ? -1 : 1))
}

/** As Node looks for it: in the package that needs it, then further up. */
function placeOf(name: string, by: string): string {
  const own = join(by, "node_modules", name)
  if (existsSync(join(root, own))) return own
  if (by === "") throw new Error(`${name} is not installed`)
  return placeOf(name, by.slice(0, Math.max(0, by.lastIndexOf("/node_modules/"))))
}

function needsOf(directory: string): string[] {
  const { dependencies = {}, optionalDependencies = {} } = readManifest(directory)
  return Object.keys({ ...dependencies, ...optionalDependencies })
}
