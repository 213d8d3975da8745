import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Command } from "commander"
import { commandTable } from "../command-table.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { manualPages } from "../manual.ts"

export function registerManual(program: Command, io: CommandIo): void {
  program
    .command("manual")
    .helpGroup(helpGroups.setUp)
    .summary("write the pages of the manual")
    .description("Writes a page for man(1) about each command into a directory.")
    .argument("<directory>", "made if it is not there")
    .addHelpText("after", examples)
    .action((directory: string) => {
      const version = (program.version() ?? "").replace(/^postern /, "")
      const pages = manualPages(commandTable(program), version)
      mkdirSync(directory, { recursive: true })
      for (const { name, text } of pages) writeFileSync(join(directory, name), text)
      io.note(`postern: ${pages.length} pages in ${directory}`)
    })
}

const examples = `
Examples:
  postern manual /usr/local/share/man/man1
  postern manual man1 && man ./man1/postern-search.1`
