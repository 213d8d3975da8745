/**
 * The Model Context Protocol's own SDK over stdio: examples/mcp as it stands, an agent and a server in processes of their own, into a real
 * port. Each side writes its two entries, joined and whole.
 */
import { readFileSync } from "node:fs"
import type { Indexed } from "../support/entries.ts"
import { Entries } from "../support/entries.ts"
import { Installation } from "../support/installation.ts"
import { run, startPort } from "./port-process.ts"
import type { Results } from "./results.ts"

const house = new URL("../../", import.meta.url)

export async function checkToolCalls(results: Results): Promise<void> {
  const installation = (await Installation.make()).keepAll()
  const agent = await installation.writer("agent")
  const ledger = await installation.writer("ledger")
  const port = await startPort(installation.configFile)
  try {
    const env = {
      ...process.env,
      POSTERN_PROFILE: installation.profileOf(agent, port.address),
      LEDGER_PROFILE: installation.profileOf(ledger, port.address),
      PATH: `${house.pathname}node_modules/.bin:${process.env.PATH ?? ""}`,
    }
    const ran = await run(process.execPath, ["examples/mcp/agent.js"], { env, cwd: house.pathname })
    results.check(ran.code === 0, "an agent calls a tool over stdio", ran.text)
    const entries = await Entries.follow(installation.log)
    const isLast = (source: string) => (entry: Indexed) => {
      return entry.event.source === source && phaseOf(entry) === "result"
    }
    await entries.find("the agent's result", isLast("app://agent"))
    await entries.find("the server's result", isLast("app://ledger"))
    const all = (await entries.all()).filter(({ event }) => {
      return event.action === "tool.delete-invoice.call"
    })
    await entries.close()
    checkSide(results, all, "app://agent", { withValues: true })
    checkSide(results, all, "app://ledger", { withValues: false })
    const chains = all
      .filter(({ event }) => event.source === "app://agent")
      .map(({ event }) => JSON.stringify([event.actor, event.onBehalfOf]))
    const chain = '[{"type":"agent","id":"desk-agent"},[{"type":"user","id":"alice"}]]'
    results.check(
      chains.every((one) => one === chain),
      "the agent's entries say for whom it called",
      String(chains),
    )
  } finally {
    await port.stop("SIGTERM")
    installation.remove()
  }
  checkPage(results, "docs/reference/mcp.md", ["examples/mcp/server.js", "examples/mcp/agent.js"])
}

/** The page shows the examples as they are. */
export function checkPage(results: Results, page: string, examples: readonly string[]): void {
  const text = readFileSync(new URL(page, house), "utf8")
  for (const example of examples) {
    const shown = text.includes(readFileSync(new URL(example, house), "utf8").trim())
    results.check(shown, `${page} shows ${example} as it is`)
  }
}

function checkSide(
  results: Results,
  all: readonly Indexed[],
  source: string,
  { withValues }: { withValues: boolean },
): void {
  const own = all.filter(({ event }) => event.source === source)
  const phases = own.map((entry) => `${phaseOf(entry)} ${entry.event.outcome}`).join(", ")
  const pairs = new Set(own.map(({ event }) => (event.trace as { pairId?: string }).pairId))
  const isPair = phases === "attempt unknown, result success" && pairs.size === 1
  results.check(isPair, `${source}: attempt and result, joined`, phases)
  const hasValues = own.every(({ event }) => JSON.stringify(event.data).includes("4711"))
  results.check(
    hasValues === withValues,
    `${source}: ${withValues ? "with" : "without"} the arguments' values`,
  )
}

function phaseOf({ event }: Indexed): unknown {
  return (event.trace as { phase?: string } | undefined)?.phase
}
