import { dirname, resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { type AgentWord, askWord, becomeAgent, parseAgentSettings } from "../../agent/index.ts"
import { readTextFile } from "../../config/index.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption } from "../options.ts"
import { printable } from "../printable.ts"
import { formatTable } from "../table.ts"

export function registerAgent(program: Command, io: CommandIo): void {
  const agent = program
    .command("agent")
    .helpGroup(helpGroups.everyDay)
    .summary("take events from sources that can show no certificate")
    .description(
      "Follows files, listens on this machine, or reads standard input, as agent.yaml says, and hands everything to the port as a " +
        "writer, until SIGTERM or Ctrl-C. SIGHUP reads agent.yaml again. What the port has not acknowledged waits on this machine's disk.",
    )
    .addOption(agentConfigOption())
    .addHelpText("after", examples)
    .action(({ config }: { config: string }) => becomeAgent(resolve(config)))
  agent
    .command("status")
    .summary("what a running agent does")
    .description(
      "Asks the agent that runs with this agent.yaml, through the socket in its state directory.",
    )
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (_flags: unknown, command: Command) => {
      // `--config` is the parent's too: it takes it wherever it stands.
      const { config, json } = command.optsWithGlobals<{ config: string; json?: true }>()
      const word = await askWord(stateOf(config))
      io.line(json ? JSON.stringify(word) : describe(word, io.color))
      if (word.configProblem !== undefined) {
        throw new PosternError("CONFIG_INVALID", `not in force: ${word.configProblem}`)
      }
      if (word.sources.some(({ state }) => state === "failing")) throw new Ending(exitCodes.failed)
    })
}

/** Where the agent keeps its socket, also if somebody has spoilt agent.yaml since it was read. Errors: CONFIG_INVALID. */
function stateOf(file: string): string {
  const text = readTextFile(file)
  try {
    return parseAgentSettings(text, file).state
  } catch (error) {
    const named = /^state: *["']?([^"'#\n]+?)["']? *(?:#.*)?$/m.exec(text)?.[1]
    if (named === undefined) throw error
    return resolve(dirname(resolve(file)), named)
  }
}

const examples = `
Examples:
  postern agent --config /etc/postern/agent.yaml
  postern agent status --config /etc/postern/agent.yaml`

function agentConfigOption(): Option {
  return new Option("--config <file>", "agent.yaml")
    .env("POSTERN_AGENT_CONFIG")
    .makeOptionMandatory()
}

function describe({ profile, since, sources }: AgentWord, color: boolean): string {
  const rows = sources.map((source) => [
    source.name,
    source.state,
    source.connected ? "connected" : "not connected",
    `${source.acked}`,
    `${source.pendingEvents}`,
    `${Math.round(source.spoolFill * 100)} %`,
    source.lagBytes === undefined ? "" : `${source.lagBytes}`,
    `${source.lost}`,
    `${source.refused}`,
  ])
  const columns = [
    "source",
    "state",
    "port",
    "acked",
    "pending",
    "spool",
    "behind",
    "lost",
    "refused",
  ]
  const problems = sources.flatMap(({ name, problem, lastProblem }) => [
    ...(problem === undefined ? [] : [`${name}: ${problem}`]),
    ...(lastProblem === undefined ? [] : [`${name}: ${lastProblem.at} ${lastProblem.message}`]),
  ])
  const ends = profile.certificateEnds ?? "unknown"
  const head = `${profile.id}, its certificate ends ${ends}; running since ${since}`
  return [printable(head), formatTable(columns, rows, { color }), ...problems.map(printable)].join(
    "\n",
  )
}
