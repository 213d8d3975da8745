import { Argument, type Command } from "commander"
import { commandTable } from "../command-table.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { completionScript, type Shell, shells } from "../shell-completion.ts"

export function registerCompletion(program: Command, io: CommandIo): void {
  program
    .command("completion")
    .helpGroup(helpGroups.setUp)
    .summary("print a script that lets the shell complete commands and options")
    .description("Prints a script for the shell; it needs nothing of Postern when it runs.")
    .addArgument(new Argument("<shell>").choices(shells))
    .addHelpText("after", examples)
    .action((shell: Shell) => {
      io.stdout.write(completionScript(commandTable(program), shell))
    })
}

const examples = `
Examples:
  source <(postern completion bash)
  postern completion zsh > ~/.postern-completion && echo 'source ~/.postern-completion' >> ~/.zshrc
  postern completion fish > ~/.config/fish/completions/postern.fish`
