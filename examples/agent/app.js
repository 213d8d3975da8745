import { connect } from "@postern/client"
import { withToolCall } from "@postern/client/actions"
import { runAsAgent, runInContext } from "@postern/client/context"

const audit = await connect(process.env.POSTERN_PROFILE)
const tools = { weather: async ({ city }) => `It rains in ${city}.` }

async function answer() {
  const call = { id: "call_1", name: "weather", arguments: { city: "Bergen" } }
  return withToolCall(audit, call, () => tools.weather(call.arguments))
}

// Alice asked; the agent acts for her, and all that it does is one run.
const request = { actor: "alice", origin: { ip: "192.0.2.7" } }
console.log(await runInContext(request, () => runAsAgent("assistant", answer, { runId: "run-1" })))
