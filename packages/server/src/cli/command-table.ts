import type { Command, Option } from "commander"

/** What the manual and the completions of the shells are made from: the commands as they are, and nothing beside them. */
export interface CommandRow {
  /** `postern writer add` */
  readonly path: string
  readonly summary: string
  readonly description: string
  /** `<name> [options]` */
  readonly usage: string
  readonly arguments: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly OptionRow[]
  /** Behind the options in the help: remarks and examples. */
  readonly remarks: string
  readonly commands: readonly CommandRow[]
}

export interface OptionRow {
  /** `--profile <file>` */
  readonly flags: string
  /** `--profile`, and `-h` where there is one. */
  readonly names: readonly string[]
  readonly takesValue: boolean
  readonly description: string
  /** The environment variable that stands for it. */
  readonly variable: string | undefined
  readonly otherwise: string | undefined
}

export function commandTable(command: Command, above = ""): CommandRow {
  const path = `${above}${command.name()}`
  return {
    path,
    summary: command.summary(),
    description: command.description(),
    usage: command.usage(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
    })),
    options: command.options.filter((option) => !option.hidden).map(optionRow),
    remarks: remarksOf(command),
    commands: command.commands.map((child) => commandTable(child, `${path} `)),
  }
}

function optionRow(option: Option): OptionRow {
  const { flags, short, long, description, envVar, defaultValue } = option
  return {
    flags,
    names: [short, long].filter((name) => name !== undefined && name !== null),
    takesValue: option.required || option.optional,
    description,
    variable: envVar,
    otherwise: defaultValue === undefined ? undefined : String(defaultValue),
  }
}

/** Commander keeps the texts behind the help to itself; the whole help, less what stands before them, has them. */
function remarksOf(command: Command): string {
  let text = ""
  const output = command.configureOutput()
  command.configureOutput({
    ...output,
    writeOut: (part) => {
      text += part
    },
  })
  command.outputHelp()
  command.configureOutput(output)
  return text.slice(command.helpInformation().length).trim()
}
