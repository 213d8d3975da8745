/** Finds what our pages claim to exist: links, paths, symbols in files, npm scripts. */
import { existsSync, readdirSync } from "node:fs"
import { join, posix } from "node:path"
import { house, lineAt, listFiles, readSource } from "./source.ts"

/** All pages of the house, as paths relative to it. */
export function listPages(): string[] {
  const top = readdirSync(house).filter((name) => name.endsWith(".md"))
  return [...top, ...listFiles("docs").filter((path) => path.endsWith(".md"))]
}

export interface Claim {
  readonly page: string
  readonly line: number
  /** `path`, `path#text that stands in it`, or `npm run script`. */
  readonly what: string
}

const ours = /^(?:packages|tools|docs|test|bench|examples|\.ci)\/[\w./-]*(?:#.+)?$/

export function claimsOf(page: string, text: string): Claim[] {
  const claims: Claim[] = []
  const claim = (at: number, what: string): number =>
    claims.push({ page, line: lineAt(text, at), what })
  for (const match of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    const target = (match[1] as string).replace(/#.*$/, "")
    if (target === "" || /^[a-z]+:/.test(target)) continue
    claim(match.index, posix.normalize(posix.join(posix.dirname(page), target)))
  }
  for (const match of text.matchAll(/`([^`\n]+)`/g)) {
    const code = match[1] as string
    if (ours.test(code)) claim(match.index, code)
    const script = /\bnpm run ([\w:]+)/.exec(code)?.[1]
    if (script !== undefined) claim(match.index, `npm run ${script}`)
  }
  return claims
}

/** True if the path exists, the file holds the text, the script is in package.json. */
export function holds(what: string): boolean {
  const script = /^npm run (.+)$/.exec(what)?.[1]
  if (script !== undefined) {
    const { scripts } = JSON.parse(readSource("package.json")) as {
      scripts: Record<string, string>
    }
    return script in scripts
  }
  const [path, ...rest] = what.split("#")
  if (!existsSync(join(house, path as string))) return false
  return rest.length === 0 || readSource(path as string).includes(rest.join("#"))
}

export interface Invariant {
  /** `I1` (must hold) or `C1` (must not happen). */
  readonly id: string
  /** What stands in backticks after `Enforcement:`. */
  readonly enforcement: readonly string[]
}

export function invariantsOf(text: string): Invariant[] {
  return text
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const id = /^[^\s.]+/.exec(section)?.[0] ?? ""
      const line = /\nEnforcement: ([\s\S]*?)(?:\n\n|$)/.exec(section)?.[1] ?? ""
      return {
        id,
        enforcement: [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string),
      }
    })
}
