import type { CommandRow, OptionRow } from "./command-table.ts"

/** A page in the language of man(7), by the name of its file: `postern-writer.1`. */
export interface ManualPage {
  readonly name: string
  readonly text: string
}

/** One page of the program, and one of each of its commands with all that is below it. */
export function manualPages(program: CommandRow, version: string): readonly ManualPage[] {
  const pages = program.commands.map((row) => page(row, version, [row, ...below(row)]))
  return [page(program, version, [program], program.commands), ...pages]
}

function below(row: CommandRow): readonly CommandRow[] {
  return row.commands.flatMap((child) => [child, ...below(child)])
}

function page(
  row: CommandRow,
  version: string,
  rows: readonly CommandRow[],
  seeAlso: readonly CommandRow[] = [],
): ManualPage {
  const name = row.path.replaceAll(" ", "-")
  const lines = [
    `.TH ${quote(name.toUpperCase())} 1 "" ${quote(`postern ${version}`)} "Postern"`,
    ".SH NAME",
    `${plain(name)} \\- ${plain(row.summary || row.description)}`,
    ".SH SYNOPSIS",
    ...rows.flatMap((one) => [".br", `.B ${plain(one.path)}`, plain(one.usage)]),
    ...rows.flatMap((one) => section(one, one === row)),
    ...(seeAlso.length === 0 ? [] : [".SH COMMANDS"]),
    ...seeAlso.flatMap((one) => [
      ".TP",
      `.BR ${plain(one.path.replaceAll(" ", "-"))} (1)`,
      plain(one.summary),
    ]),
  ]
  return { name: `${name}.1`, text: `${lines.join("\n")}\n` }
}

function section(row: CommandRow, isFirst: boolean): readonly string[] {
  const title = isFirst ? ".SH DESCRIPTION" : `.SH ${quote(row.path.toUpperCase())}`
  const given = row.arguments.filter(({ description }) => description !== "")
  return [
    title,
    plain(row.description || row.summary),
    ...given.flatMap(({ name, description }) => [".TP", `.I ${plain(name)}`, plain(description)]),
    ...row.options.flatMap(option),
    ...(row.remarks === "" ? [] : [".PP", ".nf", plain(row.remarks), ".fi"]),
  ]
}

function option({ flags, description, variable, otherwise }: OptionRow): readonly string[] {
  const facts = [
    ...(otherwise === undefined ? [] : [`default: ${otherwise}`]),
    ...(variable === undefined ? [] : [`environment: ${variable}`]),
  ]
  const text = facts.length === 0 ? description : `${description} (${facts.join(", ")})`
  return [".TP", `.B ${plain(flags)}`, plain(text)]
}

/** Text that man(7) takes for nothing but text. */
function plain(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/\P{ASCII}/gu, (letter) => {
      return `\\[u${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`
    })
    .split("\n")
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join("\n")
}

function quote(text: string): string {
  return `"${plain(text).replaceAll('"', "\\(dq")}"`
}
