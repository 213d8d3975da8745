import type { ConfigFile, Place, Recipe, Step } from "./recipe.ts"

/** One source of an agent, as agent.yaml has it (docs/operating/agent.md). */
export interface AgentSource {
  /** The lines that say where the records come from, e.g. `file: /var/log/audit.log`. */
  readonly from: readonly string[]
  /** Undefined where the way in says it. */
  readonly format?: string
  /** Of an agent of its own; default: the one of the machine. */
  readonly state?: string
}

/** What all sources have in common that come by way of `postern agent`. */
export const byAgent = {
  adapters: ["postern"],
  needs: "profile",
  usesAgent: true,
} as const satisfies Partial<Recipe>

/** The agent.yaml with this one source. */
export function agentFile(
  { name, profile, source }: Place,
  { from, format, state = "/var/lib/postern-agent" }: AgentSource,
): ConfigFile {
  const lines = [
    "# What the agent of this machine takes in: docs/operating/agent.md. Where one runs already, add the source to its file.",
    `profile: ${profile}`,
    `state: ${state}`,
    "sources:",
    `  - name: ${name.replaceAll(/[._]/g, "-")}`,
    ...from.map((line) => `    ${line}`),
    ...(format === undefined ? [] : [`    format: ${format}`]),
    `    source: ${source}`,
  ]
  return {
    name: "agent.yaml",
    belongs: "/etc/postern-agent/agent.yaml",
    text: `${lines.join("\n")}\n`,
  }
}

export const startAgent: Step = {
  what: "start the agent, or have a running one read its file again; its user must be in a group that may read these files (SupplementaryGroups= in a drop-in)",
  command: "sudo systemctl enable --now postern-agent && sudo systemctl reload postern-agent",
}

export const agentPromise =
  "From the agent's spool on every record is in the log once, also over kill -9 and hours without the port."
export const agentLook =
  "What the agent has read, sent and lost: postern agent status --config agent.yaml"
