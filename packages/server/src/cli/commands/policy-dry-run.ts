import type { LogEntry, Reader } from "@postern/client"
import type { Command } from "commander"
import { type Adapter, adapters } from "../../access/index.ts"
import { DryRun, openTrial } from "../../guard/policy/index.ts"
import type { Policy } from "../../policy/rules/index.ts"
import { formatDryRun } from "../dry-run-text.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption, wholeNumber } from "../options.ts"
import { optionalConfig, type PolicyFlags, policyPath, readPolicyFile } from "../policy-source.ts"
import { createProgress } from "../progress.ts"
import { openRememberingReader } from "../remembering-reader.ts"

const examples = `
Nothing is changed. What was not kept when it came is not in the log, so it is not counted here either: see
postern search 'action:postern.policy.tally'.

Examples:
  postern policy dry-run policy.yaml --last 100000 --profile reader.yaml
  postern policy dry-run policy.yaml --since 2026-11-22T00:00:00Z --profile reader.yaml --json`

interface Flags extends PolicyFlags {
  readonly profile: string
  readonly last?: number
  readonly since?: string
  readonly progress?: true
  readonly json?: true
}

const lastMax = 1_000_000
const lastUsual = 10_000

export function registerPolicyDryRun(policy: Command, io: CommandIo): void {
  policy
    .command("dry-run")
    .summary("what a policy would have made of the newest entries")
    .description(
      "Reads entries over the read port and applies a policy to them here, by writer and rule. Sampling is computed, not drawn.",
    )
    .argument("[file]", "policy.yaml (default: that of the installation)")
    .addOption(profileOption())
    .addOption(optionalConfig())
    .option(
      "--last <count>",
      `the newest entries, at most so many (default: ${lastUsual}, with --since ${lastMax})`,
      wholeNumber("--last", 1, lastMax),
    )
    .option("--since <time>", "received at this time or later (RFC 3339)")
    .option("--progress", "say how far it is, also where stderr is no terminal")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (file: string | undefined, flags: Flags) => {
      const read = readPolicyFile(policyPath(file, flags))
      const run = new DryRun(openTrial(read))
      const reader = openRememberingReader(flags.profile, io)
      try {
        await readInto(run, reader, read, flags, io)
      } finally {
        reader.close()
      }
      const report = run.report()
      if (flags.json) return io.line(JSON.stringify({ policy: read.digest, ...report }))
      if (report.events === 0) return io.note("postern: no entries to try it on")
      io.line(formatDryRun(report, io.color))
    })
}

async function readInto(
  run: DryRun,
  reader: Reader,
  policy: Policy,
  { last, since, progress: asked }: Flags,
  io: CommandIo,
): Promise<void> {
  const limit = last ?? (since === undefined ? lastUsual : lastMax)
  const progress = createProgress(io, "entries", asked === true)
  const adapterOf = adapterFinder(reader, policy)
  let done = 0
  const found = reader.search("NOT action:postern.*", {
    ...{ limit, order: "desc" },
    ...(since === undefined ? {} : { since }),
  })
  for await (const entry of found) {
    const text = entry.leaf.slice(entry.leaf.indexOf("\n") + 1)
    const receivedMs = Date.parse(entry.received)
    run.add({ writer: entry.writer, adapter: await adapterOf(entry), receivedMs, text })
    done += 1
    progress.at(done, limit)
  }
  progress.end()
}

/** Of the stamp's `c`, without what the policy did. */
const wrapped = 2 // And 3: moved beside the log.

/**
 * The way an entry came in by. The opening of its stream says it, and is asked for only if it matters: if the entry was wrapped or values
 * were moved beside the log, or if a rule looks at it.
 */
function adapterFinder(reader: Reader, policy: Policy): (entry: LogEntry) => Promise<Adapter> {
  const isAsked = policy.rules.some(
    ({ match: { adapter } }) => adapter !== undefined && !isKubernetesAlone(adapter),
  )
  const known = new Map<number, Adapter>()
  return async ({ changed, stream }) => {
    if (!isAsked && (changed & 3) < wrapped) return "postern"
    const found = known.get(stream) ?? adapterIn(await reader.get(stream))
    known.set(stream, found)
    return found
  }
}

/** What came from Kubernetes is always wrapped. */
function isKubernetesAlone(adapters: readonly string[]): boolean {
  return adapters.every((one) => one === "kubernetes")
}

function adapterIn({ event: { data } }: LogEntry): Adapter {
  const { adapter } = (data ?? {}) as { adapter?: unknown }
  return adapters.find((one) => one === adapter) ?? "postern"
}
