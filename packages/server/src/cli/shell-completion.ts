import type { CommandRow } from "./command-table.ts"

export const shells = ["bash", "zsh", "fish"] as const
export type Shell = (typeof shells)[number]

/** A script that the shell reads at its start; it asks nothing and runs nothing of ours when somebody presses Tab. */
export function completionScript(program: CommandRow, shell: Shell): string {
  if (shell === "fish") return fish(program)
  // zsh understands bash's completions, once it is told to.
  const prelude = shell === "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : ""
  return prelude + bash(program)
}

function all(row: CommandRow): readonly CommandRow[] {
  return [row, ...row.commands.flatMap(all)]
}

function namesOf(row: CommandRow): readonly string[] {
  return row.commands.map(({ path }) => path.split(" ").at(-1) ?? "")
}

function flagsOf(row: CommandRow): readonly string[] {
  return [...row.options.flatMap(({ names }) => names), "--help"]
}

/** The words of the line, options left out, are walked down the commands as far as they go. */
function bash(program: CommandRow): string {
  const cases = all(program).map((row) => {
    const words = [...namesOf(row), ...flagsOf(row)]
    return `    "${row.path}") words="${words.join(" ")}" ;;`
  })
  const paths = all(program).map(({ path }) => `"${path}"`)
  return `_postern() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="postern" words="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$path $word" in
      ${paths.slice(1).join("|")}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _postern postern
`
}

function fish(program: CommandRow): string {
  const lines = all(program).flatMap((row) => {
    const steps = row.path.split(" ").slice(1)
    const here = steps.map((step) => `__fish_seen_subcommand_from ${step}`)
    const notYet =
      namesOf(row).length === 0 ? [] : [`not __fish_seen_subcommand_from ${namesOf(row).join(" ")}`]
    const commandsWhen = [...here, ...notYet].join("; and ")
    const optionsWhen = here.length === 0 ? "__fish_use_subcommand" : here.join("; and ")
    return [
      ...row.commands.map(
        ({ path, summary }) =>
          `complete -c postern -f -n ${quote(commandsWhen)} -a ${quote(path.split(" ").at(-1) ?? "")} -d ${quote(summary)}`,
      ),
      ...row.options.map(({ names, takesValue, description }) => {
        const flags = names.map((name) =>
          name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
        )
        const value = takesValue ? " -r" : ""
        return `complete -c postern -n ${quote(optionsWhen)} ${flags.join(" ")}${value} -d ${quote(description)}`
      }),
    ]
  })
  return `${lines.join("\n")}\n`
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
}
