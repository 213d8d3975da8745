import { readFileSync } from "node:fs"

/** A page of docs/operating. */
export function pageOf(name: string): string {
  return readFileSync(new URL(`../../../../docs/operating/${name}`, import.meta.url), "utf8")
}

/** What stands in the blocks of a language, in order. */
export function blocksOf(page: string, language: string): string[] {
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))
  return [...blocks].map(([, text = ""]) => text)
}

/**
 * Arguments of the commands on a page, in order; quotes as in a shell.
 * @param audit stands in the place of `audit`
 */
export function commandsOf(page: string, audit: string): string[][] {
  const lines = blocksOf(page, "sh").join("").split("\n")
  return lines
    .filter((line) => line.startsWith("postern "))
    .map((line) =>
      [...line.matchAll(/'([^']*)'|(\S+)/g)]
        .slice(1)
        .map(([, quoted, word = ""]) => quoted ?? word.replace("audit/", `${audit}/`)),
    )
}
