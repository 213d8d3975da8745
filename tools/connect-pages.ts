/**
 * The pages of docs/start/connect: their opening is written by hand, the rest is drawn from the recipes of `postern connect`, so that
 * a page and the command say the same. `npm run docs:connect` redraws them; connect-pages.test.ts compares them.
 */
import { writeFileSync } from "node:fs"
import { extname, join } from "node:path"
import {
  type ConfigFile,
  type Place,
  type Recipe,
  recipes,
} from "../packages/server/src/guard/connect/index.ts"
import { house, readSource } from "./source.ts"

const begin = "<!-- connect: drawn by `npm run docs:connect` -->\n"
const end = "<!-- /connect -->\n"
export const startPage = "docs/start/README.md"

export const pagePath = (name: string): string => `docs/start/connect/${name}.md`

/** Every page with its drawn part as the recipes of now have it. */
export function drawnPages(): ReadonlyMap<string, string> {
  const pages = recipes.map((recipe): [string, string] => {
    const path = pagePath(recipe.name)
    return [path, redraw(path, drawRecipe(recipe))]
  })
  return new Map([...pages, [startPage, redraw(startPage, drawList())]])
}

function redraw(path: string, drawn: string): string {
  const text = readSource(path)
  const [at, to] = [text.indexOf(begin), text.indexOf(end)]
  if (at < 0 || to < at) throw new Error(`${path} has no place for what is drawn: ${begin}${end}`)
  return text.slice(0, at + begin.length) + drawn + text.slice(to)
}

function directoryOf({ name, needs, usesAgent }: Recipe): string {
  if (usesAgent) return "/etc/postern-agent/profile"
  return needs === "pem" ? `/etc/postern/${name}` : "/etc/postern"
}

/** A source on another machine. */
function placeOf(recipe: Recipe): Place {
  const { name, scheme } = recipe
  const directory = directoryOf(recipe)
  return {
    name,
    id: `spiffe://postern.local/writer/${name}`,
    directory,
    ca: `${directory}/ca.pem`,
    certificate: `${directory}/writer.pem`,
    key: `${directory}/writer.key`,
    profile: `${directory}/writer-${name}.yaml`,
    write: { host: "audit.example.com", port: 17514 },
    syslog: { host: "audit.example.com", port: 6514 },
    serverName: "audit.example.com",
    source: `${scheme}://${name}`,
  }
}

const proofs = {
  run: "executed by our tests, with the real source",
  part: "executed by our tests as far as it is ours, with records or requests in the source's published shape; the source itself does not run there",
  rendered: "as the source's documentation says; not executed by us",
} as const

const executed = { run: "yes", part: "our part", rendered: "no" } as const

function drawRecipe(recipe: Recipe): string {
  const { name, adapters } = recipe
  const { files, steps, notes } = recipe.render(placeOf(recipe))
  const facts = [
    "| | |\n|---|---|",
    `| for | ${recipe.title} |`,
    `| way | ${recipe.way} |`,
    `| grant | \`adapters: [${adapters.join(", ")}]\` |`,
    `| this configuration is | ${proofs[recipe.proof]} |`,
  ].join("\n")
  const asked = `postern connect ${name} --config audit/postern.yaml --address audit.example.com --directory ${directoryOf(recipe)}`
  const numbered = steps.map(({ what, command, lines }, at) => {
    const said = `${at + 1}. ${what[0]?.toUpperCase()}${what.slice(1)}`
    const block = command === undefined ? lines && fenced("text", lines) : fenced("sh", command)
    return block === undefined ? said : `${said}\n\n${indented(block)}`
  })
  return [
    facts,
    "## Configuration\nAs this command prints it, for a source on another machine:",
    fenced("sh", asked),
    ...files.map(drawFile),
    "## Then",
    ...numbered,
    "## To know",
    `${notes.map((note) => `- ${note}`).join("\n")}\n`,
  ].join("\n\n")
}

const languages: Readonly<Record<string, string>> = {
  ".yaml": "yaml",
  ".kubeconfig": "yaml",
  ".toml": "toml",
  ".ts": "ts",
  ".mjs": "js",
  ".hcl": "hcl",
}

function drawFile({ name, belongs, text }: ConfigFile): string {
  const isPath = belongs.startsWith("/")
  const language = text.startsWith("#!/bin/sh") ? "sh" : (languages[extname(name)] ?? "text")
  return `\`${name}\`, ${isPath ? `as \`${belongs}\`` : belongs}:\n\n${fenced(language, text.trimEnd())}`
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "   ")
}

function drawList(): string {
  const rows = recipes.map(({ name, title, way, proof }) => {
    return `| [${name}](connect/${name}.md) | ${title} | ${way} | ${executed[proof]} |`
  })
  return `${["| source | for | way | executed |", "|---|---|---|---|", ...rows].join("\n")}\n`
}

if (import.meta.main) {
  for (const [path, text] of drawnPages()) writeFileSync(join(house, path), text)
}
