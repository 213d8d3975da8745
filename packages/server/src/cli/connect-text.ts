import { join } from "node:path"
import type { ConfigFile, Place, Recipe, Rendering } from "../guard/connect/index.ts"

/** Everything that is to be known and done, for people. */
export function formatConnection(
  recipe: Recipe,
  place: Place,
  rendering: Rendering,
  applied: string | undefined,
): string {
  const head = [`${recipe.name}: ${recipe.way}`, `id       ${place.id}`, ownFiles(recipe, place)]
  if (recipe.proof === "rendered") {
    head.push("tried    no: it is as the source's documentation says")
  }
  const files = rendering.files.flatMap((file) => ["", ...fileLines(file, applied)])
  const steps = rendering.steps.flatMap(({ what, command, lines: added }, at) => {
    const text = command ?? added
    const lines = text === undefined ? [] : text.split("\n").map((line) => `   ${line}`)
    return [`${at + 1}. ${what}`, ...lines]
  })
  return [...head, ...files, "", ...steps, "", ...rendering.notes.map((note) => `- ${note}`)].join(
    "\n",
  )
}

function ownFiles(recipe: Recipe, { ca, certificate, key, profile }: Place): string {
  return recipe.needs === "profile"
    ? `profile  ${profile}`
    : `files    ${ca}\n         ${certificate}\n         ${key} (only for whom the source runs as)`
}

/** The text to be put in its place; of one that is written, only where. */
function fileLines({ name, belongs, text }: ConfigFile, applied: string | undefined): string[] {
  if (applied === undefined) return [`--- ${belongs}`, ...text.trimEnd().split("\n"), "---"]
  const file = join(applied, name)
  return file === belongs
    ? [`wrote    ${file}`]
    : [`wrote    ${file}`, `         belongs: ${belongs}`]
}
