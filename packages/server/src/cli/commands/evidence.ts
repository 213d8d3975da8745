import { PosternError } from "@postern/log/base"
import { parseKeyProofs } from "@postern/log/evidence"
import { type Command, Option } from "commander"
import { readTextFile } from "../../config/index.ts"
import { type AskOptions, askOf } from "../evidence-ask.ts"
import {
  type EvidenceSource,
  makeEvidenceFile,
  makeForkFile,
  makeProofFile,
} from "../evidence-making.ts"
import { addConditions, addTimes } from "../filter-options.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { collectList, jsonOption } from "../options.ts"
import { printable } from "../printable.ts"
import { describeVerdict, verdictJson } from "../verify-evidence.ts"
import { policyOf, type VerifyFlags } from "../verify-target.ts"

interface MakeOptions extends AskOptions {
  readonly profile?: string
  readonly config?: string
  readonly output: string
  readonly tlogProof?: true
  readonly disclosed?: true
  readonly json?: true
}

export function registerEvidence(program: Command, io: CommandIo): void {
  const evidence = program
    .command("evidence")
    .helpGroup(helpGroups.check)
    .summary("make files that prove entries to somebody who trusts nobody")
    .description(
      "Evidence files hold entries, a signed checkpoint and what ties them together. `postern verify FILE --policy P` " +
        "checks them offline; so does the verifier page in a browser.",
    )
    .addHelpText("after", examples)
  registerMake(evidence, io)
  registerFork(evidence, io)
}

function registerMake(evidence: Command, io: CommandIo): void {
  const make = evidence
    .command("make")
    .summary("a range, a stream, single entries, or what fits a search")
    .description(
      "Asks the read port, which records it as an entry before the file leaves; or reads the log on this machine " +
        "(--config), which nobody records. The file is checked with the log's key before it gets its name.",
    )
    .option("--range <A-B>", "entries A up to B, B itself not: all of them, provably")
    .option("--stream <index|id>", "the stream that this entry opened: all of it, with its gaps")
    .option("--index <list>", "single entries, separated by commas", collectList)
    .option("--query <query>", "entries that fulfil it and the conditions below")
  addTimes(addConditions(make))
    .addOption(new Option("--profile <file>", "a reader's profile").env("POSTERN_PROFILE"))
    .addOption(
      new Option("--config <file>", "postern.yaml, to read the log here").env("POSTERN_CONFIG"),
    )
    .option(
      "--disclosed",
      "with the values that are kept beside the log; without it they are withheld",
    )
    .option(
      "--tlog-proof",
      "one entry, as C2SP tlog-proof instead: proof and checkpoint, without the entry",
    )
    .requiredOption("-o, --output <file>", "the file to write; it must not be there yet")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (options: MakeOptions, command: Command) => {
      await runMake(
        options,
        sourceOf(options, (name) => command.getOptionValueSource(name)),
        io,
      )
    })
}

type ForkFlags = VerifyFlags & { readonly output: string; readonly keys?: string }

function registerFork(evidence: Command, io: CommandIo): void {
  evidence
    .command("fork")
    .summary("two checkpoints that contradict each other")
    .description(
      "Two signed checkpoints of one log with one size and two roots prove by themselves that its key signed two " +
        "histories. With --policy, --vkey or a profile both are checked before the file is written.",
    )
    .argument("<note>", "a checkpoint, as it was given out")
    .argument("<other>", "the other one")
    .option("--policy <file>", "whom to trust (C2SP tlog-policy)")
    .option("--vkey <key>", "the log's verifier key")
    .option("--profile <file>", "a profile that names it")
    .option(
      "--keys <file>",
      "where the log's key has changed: its file keys, or what GET /v1/keys gave",
    )
    .requiredOption("-o, --output <file>", "the file to write; it must not be there yet")
    .addHelpText("after", examples)
    .action(async (note: string, other: string, options: ForkFlags) => {
      const { policy, vkey, profile, keys, output } = options
      const trusted = policy ?? vkey ?? profile
      const checked = trusted === undefined ? undefined : policyOf(options)
      const proofs = keys === undefined ? [] : parseKeyProofs(readTextFile(keys))
      await makeForkFile([note, other], output, checked, proofs)
      io.line(`${printable(output)} holds two checkpoints that contradict each other`)
    })
}

const examples = `
Exit codes of the check: postern verify --help. Ranges and streams show that nothing is missing in them; other files do not.

Examples:
  postern evidence make --range 4000-4500 --profile reader.yaml -o case.evidence
  postern evidence make --query 'outcome:denied NOT actor:system/*' --profile reader.yaml -o denied.evidence
  postern evidence make --actor alice --since 2026-11-01T00:00:00Z --profile reader.yaml -o alice.evidence
  postern evidence make --stream 12 --config audit/postern.yaml -o billing.evidence
  postern evidence make --index 4711 --disclosed --profile reader.yaml -o 4711.evidence
  postern evidence make --index 4711 --tlog-proof --profile reader.yaml -o 4711.tlog-proof
  postern evidence fork checkpoint.mine checkpoint.theirs -o fork.evidence`

async function runMake(options: MakeOptions, source: EvidenceSource, io: CommandIo): Promise<void> {
  const ask = askOf(options)
  const { output } = options
  const disclosed = options.disclosed === true
  if (options.tlogProof === true) {
    const [index, ...more] = ask.kind === "indexes" ? ask.indexes : []
    if (index === undefined || more.length > 0) {
      throw new PosternError("USAGE", "--tlog-proof is for one entry: --index N")
    }
    if (disclosed)
      throw new PosternError("USAGE", "--tlog-proof holds no entry, so no value of one")
    await makeProofFile(source, index, output)
    const proof = { file: output, index }
    return io.line(
      options.json ? JSON.stringify(proof) : `${printable(output)} proves entry ${index}`,
    )
  }
  const verdict = await makeEvidenceFile(source, { ask, disclosed }, output, io)
  const { withheld } = verdict.counts
  if (disclosed && withheld > 0) {
    const what = `${withheld} of the values that are kept beside the log`
    io.note(`postern: ${what} cannot be had: the file is made without`)
  }
  if (options.json) return io.line(JSON.stringify({ file: output, ...verdictJson(verdict) }))
  io.line(`${printable(output)}, as far as the log's key alone says:\n${describeVerdict(verdict)}`)
}

/** What was said on the command line counts more than the environment, and a way that is recorded more than one that is not. */
function sourceOf(
  { profile, config }: MakeOptions,
  saidBy: (name: string) => string | undefined,
): EvidenceSource {
  const [profileSaid, configSaid] = [saidBy("profile") === "cli", saidBy("config") === "cli"]
  if (profileSaid && configSaid) {
    throw new PosternError("USAGE", "either --profile (recorded) or --config (here, not recorded)")
  }
  if (profile !== undefined && !configSaid) return { kind: "profile", path: profile }
  if (config !== undefined) return { kind: "config", path: config }
  throw new PosternError("USAGE", "--profile of a reader, or --config on the machine of the log")
}
