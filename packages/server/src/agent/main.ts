import { runProcess } from "../lifetime/index.ts"
import { Agent } from "./agent.ts"

/** The agent as a process of its own: `node main.js AGENT.YAML`. SIGHUP reads the file again, SIGTERM ends it. */
runProcess(
  "agent",
  async (file, tell) => {
    const agent = await Agent.open(file, tell)
    agent.onOver = () => process.emit("SIGTERM")
    const { sources } = agent.word()
    return {
      message: `taking events from ${sources.map(({ name }) => name).join(", ")}`,
      facts: { places: sources.flatMap(({ places = [] }) => places) },
      ready: { agent: sources.map(({ name, places = [] }) => ({ name, places })) },
      reload: () => void agent.reload(),
      close: () => agent.close(),
    }
  },
  ["PROFILE_INVALID", "ADDRESS_IN_USE", "BIND_REFUSED"],
)
