/**
 * Writes docs/reference/errors.md from the error registry, in the order and the groups of its file.
 * `npm run docs:errors` rewrites the page; errors-reference.test.ts compares it.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { type ErrorLine, errorRegistry } from "../packages/log/src/base/errors.ts"
import { house, readSource } from "./source.ts"

export const registryPath = "packages/log/src/base/errors.ts"
export const pagePath = "docs/reference/errors.md"

const opening = `# Errors

Every error that a person, a program or a metric can meet has a stable code. It stands in HTTP problems (RFC 9457),
in \`REFUSED\` and \`GOAWAY\` frames, in \`--json\` output, in the log's own entries and in the labels of metrics. A code never
changes its meaning and is never used again for another one (docs/compatibility.md).

The command line prints an error as two lines on standard error, \`postern: error: …\` and \`postern: hint: …\`.

| kind | who must act |
|---|---|
| refused | the sender: it is wrong, and repeating will not help |
| busy | nobody yet: repeat later |
| broken | the operator: this side is wrong or damaged |
| fatal | the operator: the state is unknown, the process has stopped, the next start decides what is durable |

The status is the one of the HTTP answer. Errors that never travel (a damaged log, a bad configuration) carry 500.
This page is written by \`npm run docs:errors\` from ${registryPath}.
`

interface Group {
  readonly title: string
  readonly codes: readonly string[]
}

/** The groups of the registry's source: a comment of its own line opens one. */
export function groupsOf(source: string): Group[] {
  const from = source.indexOf("export const errorRegistry = {")
  const body = source.slice(from, source.indexOf("\n} as const", from))
  const groups: { title: string; codes: string[] }[] = []
  for (const line of body.split("\n")) {
    const title = /^ {2}\/\/ (.+)$/.exec(line)?.[1]
    const code = /^ {2}([A-Z][A-Z0-9_]*):/.exec(line)?.[1]
    if (title !== undefined) groups.push({ title, codes: [] })
    if (code !== undefined) groups.at(-1)?.codes.push(code)
  }
  return groups
}

/** The whole page. Throws if the source and the registry do not name the same codes. */
export function formatPage(source: string, registry: Readonly<Record<string, ErrorLine>>): string {
  const groups = groupsOf(source)
  const listed = groups.flatMap((group) => group.codes)
  if (listed.join() !== Object.keys(registry).join()) {
    throw new Error(`${registryPath} does not list its codes under groups`)
  }
  const parts = groups.map(({ title, codes }) => {
    const entries = codes.map((code) => formatEntry(code, registry[code] as ErrorLine))
    const [name, ...rest] = title.replace(/\.$/, "").split(/(?<=^[^:.]+)[:.] /)
    const note = rest.length === 0 ? "" : `${sentence(rest.join(" "))}\n\n`
    return `## ${name}\n\n${note}${entries.join("\n")}`
  })
  return `${opening}\n${parts.join("\n")}`
}

function formatEntry(code: string, line: ErrorLine): string {
  return [
    `### ${code}`,
    "",
    `${line.kind}, ${line.status}. ${sentence(line.message)}`,
    "",
    `*What to do:* ${sentence(line.hint)}`,
    "",
  ].join("\n")
}

function sentence(text: string): string {
  const capital = text.slice(0, 1).toUpperCase() + text.slice(1)
  return /[.?!]$/.test(capital) ? capital : `${capital}.`
}

if (import.meta.main) {
  mkdirSync(join(house, dirname(pagePath)), { recursive: true })
  writeFileSync(join(house, pagePath), formatPage(readSource(registryPath), errorRegistry))
}
