/**
 * Parsers of bytes that an enemy may have sent, tried with good inputs, with bad ones that were picked by hand, with those
 * that were kept, and with mutations of all of them. Each answer is a value that can be written again or an error of the
 * registry, and comes in bounded time; of what the second verifier (test/evidence) reads too, it must say the same.
 * `node test/fuzz/main.ts [--long] [--seed N] [--parser NAME]… [--keep] [--record]`. An input follows from the seed and the
 * name of its parser; one that fails is printed. `--keep` adds, for each answer that nothing else gets, the shortest input
 * that does to test/fuzz/kept. Its last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util"
import { recordRun } from "../crash/assurance.ts"
import { Decisions } from "../crash/decisions.ts"
import { Report } from "../crash/report.ts"
import { findPython } from "../evidence/verifiers.ts"
import { adapterParsers } from "./adapter-parsers.ts"
import { agentParsers } from "./agent-parsers.ts"
import { evidenceParsers } from "./evidence-parsers.ts"
import { sourceFormatParsers } from "./format-parsers.ts"
import { indexParsers } from "./index-parsers.ts"
import { type Kept, readKept, writeKept } from "./kept.ts"
import { mutate, swell } from "./mutations.ts"
import { otlpParsers } from "./otlp-parsers.ts"
import { type Answer, type Input, type Parser, parserOf } from "./parser.ts"
import { differences, isAskable, isSecondAsked, type Question } from "./second.ts"
import { syslogParsers } from "./syslog-parsers.ts"
import { tlogParsers } from "./tlog-parsers.ts"
import { wireParsers } from "./wire-parsers.ts"

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    seed: { type: "string" },
    parser: { type: "string", multiple: true },
    keep: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
  },
})
if (values.record && (!values.long || values.parser !== undefined)) {
  console.error("--record is for whole long runs: --long, without --parser")
  process.exit(2)
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const mutations = values.long ? 20_000 : 700
/** Of one parser: then no further mutations are tried. */
const mutatedMsMax = values.long ? 15_000 : 1_000
const swollen = values.long ? 20 : 2
/** For inputs of a megabyte at most, of the processor's time; the best of three, since memory is tidied up in between. */
const parseMsMax = 1000
/** Longer ones are not kept, and the second verifier is not asked about them. */
const keptLengthMax = 4096
const keptAcceptedMax = 6
const all = [
  ...[...tlogParsers, ...wireParsers, ...evidenceParsers, ...indexParsers],
  ...[...sourceFormatParsers, ...syslogParsers, ...adapterParsers, ...otlpParsers, ...agentParsers],
]
const report = new Report()

/** Tries one parser with one crowd of inputs after the other. Gives what the second verifier is to be asked. */
async function tryParser(parser: Parser): Promise<Question[]> {
  const { name, seeds, bad } = parser
  const decisions = new Decisions(seed).apart(name)
  const swelling = decisions.apart("huge")
  const kept = readKept(name)
  const trial = new Trial(parser)
  await trial.crowd("good", seeds, () => "accepted")
  await trial.crowd("bad", bad)
  await trial.crowd(
    "kept",
    kept.map(({ input }) => input),
    (i) => kept[i]?.code,
  )
  const known = new Set(trial.found.keys())
  const stock = [...seeds, ...kept.map(({ input }) => input)]
  const end = performance.now() + mutatedMsMax
  const mutated = many(mutations, () => {
    if (performance.now() > end) return undefined
    return mutate(decisions.pick(stock), decisions.pick(stock), decisions)
  })
  await trial.crowd("mutated", mutated)
  await trial.crowd(
    "huge",
    many(swollen, () => swell(swelling.pick(stock), swelling)),
  )
  settle(
    name,
    kept,
    [...trial.found].filter(([at]) => !known.has(at)).map(([, one]) => one),
  )
  return trial.questions
}

/** Made when their turn comes. */
function* many(count: number, make: () => Input | undefined): Generator<Input> {
  for (let i = 0; i < count; i++) {
    const input = make()
    if (input === undefined) return
    yield input
  }
}

type CodeOf = (i: number) => string | undefined

class Trial {
  readonly #parser: Parser
  /** By answer: the shortest input that gets it. */
  readonly found = new Map<string, Kept>()
  readonly questions: Question[] = []

  constructor(parser: Parser) {
    this.#parser = parser
  }

  /** @param codeOf what must be answered to an input; of bad ones all that is known is that it is a refusal */
  async crowd(what: string, inputs: Iterable<Input>, codeOf?: CodeOf): Promise<void> {
    const { faults, accepted, refused } = await this.faults(what, inputs, codeOf)
    if (accepted > 0) report.count(`${what} inputs accepted`, accepted)
    if (refused > 0) report.count(`${what} inputs refused`, refused)
    report.checkNone(faults, `${this.#parser.name}, ${what} inputs`)
  }

  async faults(
    what: string,
    inputs: Iterable<Input>,
    codeOf: CodeOf = () => undefined,
  ): Promise<{ faults: string[]; accepted: number; refused: number }> {
    const faults: string[] = []
    let accepted = 0
    let tried = 0
    for (const input of inputs) {
      const i = tried++
      const answer = await judge(this.#parser, input)
      const { code, words } = answer
      const wanted = codeOf(i) ?? (what === "bad" && code === "accepted" ? "a refusal" : code)
      const fault = answer.fault ?? (code === wanted ? undefined : `${code} instead of ${wanted}`)
      if (fault !== undefined) faults.push(`${fault} (${words}): ${spell(input)}`)
      if (code === "accepted") accepted += 1
      this.#note(input, answer)
    }
    return { faults, accepted, refused: tried - accepted }
  }

  #note(input: Input, { code, words, value }: Answer): void {
    const { name } = this.#parser
    if (input.length > keptLengthMax) return
    const at = `${code} ${words}`
    const before = this.found.get(at)
    if (before === undefined || input.length < before.input.length) {
      this.found.set(at, { input, code, words })
    }
    if (isSecondAsked(name) && isAskable(input)) this.questions.push({ parser: name, input, value })
  }
}

/** Refusals that nothing got before are said, and what got an answer for the first time is kept if that was asked for. */
function settle(name: string, kept: readonly Kept[], fresh: readonly Kept[]): void {
  const refused = fresh.filter(({ code }) => code !== "accepted")
  if (refused.length > 0) {
    report.line(`${name}: ${refused.length} refusals that neither a seed nor a kept input gets`)
  }
  if (!values.keep || fresh.length === 0) return
  const accepted = fresh.filter(({ code }) => code === "accepted")
  const room = keptAcceptedMax - kept.filter(({ code }) => code === "accepted").length
  writeKept(name, [...kept, ...refused, ...accepted.slice(0, Math.max(0, room))])
}

async function judge(parser: Parser, input: Input): Promise<Answer> {
  let answer: Answer | undefined
  for (let attempt = 0; attempt < 3; attempt++) {
    const began = process.cpuUsage()
    answer = await parser.judge(input)
    const { user, system } = process.cpuUsage(began)
    if ((user + system) / 1000 < parseMsMax) return answer
  }
  return { ...(answer as Answer), fault: `takes over ${parseMsMax} ms` }
}

function spell(input: Input): string {
  const spelled =
    typeof input === "string" ? JSON.stringify(input) : Buffer.from(input).toString("base64")
  return spelled.length > 4000 ? `${spelled.slice(0, 4000)}…` : spelled
}

async function compare(questions: readonly Question[]): Promise<void> {
  report.begin("The second verifier")
  const { python, reason } = await findPython()
  if (python === undefined) {
    report.line(`left out: ${reason}`)
    if (process.env.CI !== undefined) report.check(false, reason)
    return
  }
  const differing = await differences(python, questions)
  for (const { question, said } of differing) {
    report.check(false, `${question.parser}: ${said}: ${spell(question.input)}`)
  }
  report.count("inputs about which both say the same", questions.length - differing.length)
  report.check(questions.length > differing.length, "nothing was asked")
}

/** The programme can fail: a parser that is as careless as many are is found out. */
async function self(): Promise<void> {
  report.begin("The programme itself")
  const careless = parserOf({
    name: "careless",
    codes: [],
    seeds: ["a\n3\nAAAA\n"],
    parse: (text: string) => text.trim().split("\n"),
    format: ([name = "", size = "", root = ""]) => {
      return `${name}\n${Number(size)}\n${Buffer.from(root, "base64").toString("base64")}\n`
    },
    isStrict: true,
  })
  const decisions = new Decisions(seed)
  const inputs = Array.from({ length: 100 }, () => mutate("a\n3\nAAAA\n", "", decisions))
  const { faults } = await new Trial(careless).faults("careless", inputs)
  report.check(faults.length > 0, "a careless parser is found out")
}

console.log(`parsers, ${values.long ? "long" : "short"} form, seed ${seed} (again: --seed ${seed})`)
await self()
const chosen = all.filter(({ name }) => values.parser === undefined || values.parser.includes(name))
const questions: Question[] = []
report.begin("Parsers of what others send")
for (const parser of chosen) {
  report.count("parsers")
  questions.push(...(await tryParser(parser)))
}
if (chosen.some(({ name }) => isSecondAsked(name))) await compare(questions)
if (values.record) recordRun(report.of(), "fuzz", seed)
for (const [part, figures] of report.of().figures) {
  console.log(`\n${part}`)
  for (const [figure, n] of figures)
    console.log(`  ${n.toLocaleString("en").padStart(12)}  ${figure}`)
}
report.end()
process.exit(report.failed > 0 || report.passed === 0 ? 1 : 0)
