import { decodeUtf8, PosternError } from "@postern/log/base"
import { type Command, Option } from "commander"
import { type Adapter, adapters } from "../../access/index.ts"
import { openTrial, readEventText, type TrialResult } from "../../guard/policy/index.ts"
import type { Miss, Policy } from "../../policy/rules/index.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption } from "../options.ts"
import {
  optionalConfig,
  type PolicyFlags,
  policyPath,
  readInput,
  readPolicyFile,
} from "../policy-source.ts"
import { printable } from "../printable.ts"

const examples = `
Examples:
  postern policy explain event.json --policy policy.yaml --writer spiffe://postern.local/writer/app
  postern show 4711 --profile reader.yaml --json | postern policy explain - --config audit/postern.yaml`

interface Flags extends PolicyFlags {
  readonly policy?: string
  readonly writer?: string
  readonly adapter: Adapter
  readonly json?: true
}

export function registerPolicyExplain(policy: Command, io: CommandIo): void {
  policy
    .command("explain")
    .summary("what a policy does with an event, and why")
    .description(
      "Which rule takes the event, why none before it does, and what is kept. Asks no service; HMACs and pseudonyms are made with keys of this moment.",
    )
    .argument(
      "<event>",
      "file with an event, or an entry as `show --json` prints it; - reads it from standard input",
    )
    .option("--policy <file>", "policy.yaml (default: that of the installation)")
    .addOption(optionalConfig())
    .option("--writer <id>", "SPIFFE ID of whoever sends it (default: of an entry its writer)")
    .addOption(
      new Option("--adapter <adapter>", "the way that it comes in by")
        .choices(adapters)
        .default("postern"),
    )
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (name: string, flags: Flags) => {
      const read = readPolicyFile(policyPath(flags.policy, flags))
      const { text, writer } = eventIn(await readInput(name, io))
      const event = readEventText(text)
      const result = openTrial(read).try(flags.writer ?? writer ?? "", flags.adapter, event)
      io.line(flags.json ? JSON.stringify(asJson(read, result)) : describe(read, result))
    })
}

/** An entry holds its event and says who wrote it; of its bytes those of the leaf count. */
function eventIn(text: string): { readonly text: string; readonly writer?: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PosternError("EVENT_SYNTAX", undefined, { cause })
  }
  const { event, leaf, writer, action } = (value ?? {}) as Record<string, unknown>
  if (action !== undefined || typeof event !== "object" || event === null) return { text }
  const bytes =
    typeof leaf === "string" ? leaf.slice(leaf.indexOf("\n") + 1) : JSON.stringify(event)
  return typeof writer === "string" ? { text: bytes, writer } : { text: bytes }
}

function asJson({ digest }: Policy, result: TrialResult): object {
  const { decision, passed, did, detected, refused, leftOver } = result
  const { rule, sample, deduplicateSeconds } = decision
  return {
    ...{ policy: digest, rule: rule?.name ?? null, class: decision.class },
    ...{ mandatory: decision.mandatory, level: decision.level, sample, deduplicateSeconds },
    passed: passed.map((one) => ({ rule: one.rule.name, misses: one.misses })),
    ...{ did: did.map(({ what, at }) => `${what} ${at}`), detected, refused, leftOver },
    event: keptOf(result) ?? null,
  }
}

function keptOf({ kept }: TrialResult): unknown {
  return kept === undefined ? undefined : JSON.parse(decodeUtf8(kept) ?? "")
}

function describe(policy: Policy, result: TrialResult): string {
  const { decision, passed, did, detected, refused, leftOver } = result
  const mandatory = decision.mandatory ? ", mandatory: never dropped, sampled or deduplicated" : ""
  const rows: [string, string][] = [
    ["rule", ruleOf(policy, result)],
    ["class", `${decision.class}${mandatory}`],
    ["level", levelOf(decision)],
    ...oddsOf(decision),
    ...passed.map((one): [string, string] => [
      `not ${one.rule.name}`,
      one.misses.map(sayMiss).join("; "),
    ]),
    ...did.map(({ what, at }): [string, string] => ["done", `${what} ${at}`]),
    ...detected.map((name): [string, string] => ["detected", name]),
    ...leftOver.map(({ hidden, stands }): [string, string] => [
      "still stands",
      `what was in ${hidden} also stands in ${stands}`,
    ]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  const lines = rows.map(([name, text]) => printable(`${name.padEnd(width)}${text}`))
  return [...lines, "", ...resultOf(result, refused)].join("\n")
}

function ruleOf({ rules }: Policy, { decision, passed }: TrialResult): string {
  if (decision.class === "log") return "none is asked: the log's own entries are kept whole"
  if (decision.rule === undefined) return "none matches"
  return `${decision.rule.name}, ${passed.length + 1} of ${rules.length}`
}

function levelOf({ level, rule }: TrialResult["decision"]): string {
  return rule?.level === "drop" && level !== "drop" ? `${level} in place of drop` : level
}

function oddsOf({ sample, deduplicateSeconds }: TrialResult["decision"]): [string, string][] {
  return [
    ...(sample === undefined
      ? []
      : [["sample", `kept with a chance of ${+(100 * sample).toPrecision(3)} %`]]),
    ...(deduplicateSeconds === undefined
      ? []
      : [["repeats", `not kept within ${deduplicateSeconds} s of an equal one`]]),
  ] as [string, string][]
}

function sayMiss({ condition, wanted, is }: Miss): string {
  return `${condition} is ${is ?? "not there"}, not ${wanted}`
}

function resultOf(result: TrialResult, refused: TrialResult["refused"]): string[] {
  if (refused !== undefined) return [`The port refuses it: ${new PosternError(refused).message}`]
  const kept = keptOf(result)
  if (kept === undefined) return ["Nothing of it is kept; it is counted in the log."]
  const isWhole = result.did.length === 0 && result.detected.length === 0
  return [isWhole ? "It is kept as it came:" : "Of it is kept:", ...pretty(kept)]
}

/** Indented JSON, made harmless for a terminal line by line. */
function pretty(value: unknown): string[] {
  return JSON.stringify(value, undefined, 2).split("\n").map(printable)
}
