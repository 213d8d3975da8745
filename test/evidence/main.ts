/**
 * Two verifiers of evidence files that share no line, @postern/log and verify.py (Python, written from docs/spec/evidence.md
 * alone): both over the vectors of the specification, over files that were made on purpose, over files about which they once
 * differed, and over a seeded crowd of damaged ones. They must agree on every file. Run it by `npm run test:evidence`; on a
 * laptop without Python and its cryptography library it says so and checks nothing.
 *
 * `SEED=N` replays a crowd, `FILES=N` says how many; both are printed.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { postern, run } from "../interop/port-process.ts"
import { Results } from "../interop/results.ts"
import { craftFiles } from "./crafted-files.ts"
import { randomKeyHistory } from "./key-histories.ts"
import { Chance, mutate } from "./mutations.ts"
import { randomDisclosures } from "./random-disclosures.ts"
import { randomFile } from "./random-drafts.ts"
import { policy, vkey } from "./small-log.ts"
import { tellStory } from "./told-story.ts"
import {
  type Answer,
  askOurs,
  askPython,
  difference,
  findPython,
  program,
  type Question,
} from "./verifiers.ts"

const results = new Results()
const work = mkdtempSync(join(tmpdir(), "postern-evidence-"))
const vectors = fileURLToPath(new URL("../../docs/spec/vectors/evidence/", import.meta.url))
const kept = fileURLToPath(new URL("kept/", import.meta.url))
const policies = { policy, vkey: `log ${vkey}\nquorum none\n` }
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const exitCodes: Readonly<Record<string, number>> = {
  WITNESSED: 0,
  "SIGNED-ONLY": 10,
  "FORK-EVIDENCE": 11,
  INVALID: 3,
  UNKNOWN: 1,
}

/** A question whose answer is known. */
interface Known extends Question {
  readonly verdict: string
  readonly writerSigned?: number | undefined
  readonly disclosed?: number | undefined
  readonly withheld?: number | undefined
}

async function main(): Promise<void> {
  const { python, reason } = await findPython()
  if (python === undefined) {
    if (process.env.CI === undefined) console.log(`skipped: ${reason}`)
    else results.check(false, "Python", reason)
    return
  }
  const spec = readVectors()
  await checkKnown(python, "the specification's vectors", spec)
  const crafted = (await craftFiles()).map((file) => ({ ...file, policy: policies[file.trust] }))
  await checkKnown(python, "files made on purpose", crafted)
  await checkKept(python)
  const good = [...spec, ...crafted].filter(({ verdict }) => !/INVALID|UNKNOWN/.test(verdict))
  console.log(`        SEED=${seed}`)
  for (const crowd of await crowds(good)) await checkCrowd(python, crowd)
  await checkCommand(python, crafted)
}

function readVectors(): Known[] {
  const index = JSON.parse(readFileSync(join(vectors, "index.json"), "utf8"))
  return index.files.map((entry: Vector) => ({
    name: `${entry.file}: ${entry.about}`,
    bytes: readFileSync(join(vectors, entry.file)),
    policy: index.policies[entry.policy],
    verdict: entry.verdict,
    ...entry.counts,
  }))
}

interface Vector {
  readonly file: string
  readonly about: string
  readonly policy: string
  readonly verdict: string
  readonly counts?: Pick<Known, "writerSigned" | "disclosed" | "withheld">
}

/** Both verifiers, and what must come out. */
async function checkKnown(
  python: string,
  what: string,
  questions: readonly Known[],
): Promise<void> {
  const theirs = await askPython(python, questions, work)
  let right = 0
  for (const [i, question] of questions.entries()) {
    const ours = await askOurs(question)
    const faults = [
      difference(ours, theirs[i] as Answer),
      expectation("@postern/log", question, ours),
      expectation("verify.py", question, theirs[i] as Answer),
    ].filter((fault) => fault !== "")
    if (faults.length === 0) right += 1
    else results.check(false, question.name, faults.join("\n        "))
  }
  results.check(right > 0, `${what}: both are right about ${right} of ${questions.length}`)
}

function expectation(who: string, wanted: Known, answer: Answer): string {
  const named = ["verdict", "writerSigned", "disclosed", "withheld"] as const
  const wrong = named.filter((name) => (wanted[name] ?? answer[name]) !== answer[name])
  const faults = wrong.map((name) => `${name} ${answer[name]} instead of ${wanted[name]}`)
  return wrong.length === 0 ? "" : `${who}: ${faults.join(", ")} (${answer.because})`
}

/** Files about which the two once differed: never again. */
async function checkKept(python: string): Promise<void> {
  const names = readdirSync(kept).filter((name) => name.endsWith(".ndjson"))
  const questions = names.flatMap((name) =>
    Object.entries(allPolicies()).map(([trust, policy]) => {
      return { name: `kept/${name}, ${trust}`, bytes: readFileSync(join(kept, name)), policy }
    }),
  )
  if (questions.length === 0) return
  const theirs = await askPython(python, questions, work)
  let same = 0
  for (const [i, question] of questions.entries()) {
    const differ = difference(await askOurs(question), theirs[i] as Answer)
    if (differ === "") same += 1
    else results.check(false, question.name, differ)
  }
  results.check(same > 0, `kept files: both say the same about ${same} of ${questions.length}`)
}

function allPolicies(): Readonly<Record<string, string>> {
  const index = JSON.parse(readFileSync(join(vectors, "index.json"), "utf8"))
  return { ...policies, ...index.policies }
}

/** A crowd of files, the same for the same seed. */
interface Crowd {
  readonly what: string
  readonly count: number
  readonly make: (chance: Chance, seed: number) => Promise<Question> | Question
}

async function checkCrowd(python: string, { what, count, make }: Crowd): Promise<void> {
  const tally = new Map<string, number>()
  let same = 0
  for (let done = 0; done < count; done += perProcess) {
    const questions: Question[] = []
    for (let i = done; i < Math.min(count, done + perProcess); i++) {
      questions.push(await make(new Chance(seed + i), seed + i))
    }
    const theirs = await askPython(python, questions, work)
    for (const [i, question] of questions.entries()) {
      const ours = await askOurs(question)
      const differ = difference(ours, theirs[i] as Answer)
      tally.set(ours.verdict, (tally.get(ours.verdict) ?? 0) + 1)
      if (differ === "") same += 1
      else results.check(false, keep(question), differ)
    }
  }
  const verdicts = [...tally].map(([verdict, files]) => `${verdict} ${files}`).join(", ")
  results.check(same > 0, `${what}: both say the same about ${same} of ${count}: ${verdicts}`)
}

const perProcess = 1000

async function crowds(good: readonly Known[]): Promise<Crowd[]> {
  const long = process.env.LONG !== undefined
  const count = Number(process.env.FILES ?? (long ? 40_000 : 3000))
  const story = tellStory(20)
  return [
    {
      what: "logs whose key changes",
      count: Math.ceil(count / 4),
      make: randomKeyHistory,
    },
    {
      what: "strange disclosures",
      count: Math.ceil(count / 2),
      make: randomDisclosures,
    },
    {
      what: "damaged files",
      count,
      make: (chance, number) => {
        const { bytes, policy, name } = chance.of(good)
        const damaged = mutate(bytes, chance.of(good).bytes, chance)
        return { name: `${number}: ${name}`, bytes: damaged, policy }
      },
    },
    {
      what: "files of a strange log",
      count: Math.ceil(count / 2),
      make: async (chance, number) => {
        const bytes = await randomFile(story, chance)
        return { name: `${number}: a strange log`, bytes, policy }
      },
    },
  ]
}

/** For the corpus: whoever mends the one that is wrong checks this file in. */
function keep({ name, bytes }: Question): string {
  mkdirSync(kept, { recursive: true })
  const file = `${name.split(":")[0]}.postern.ndjson`
  writeFileSync(join(kept, file), bytes)
  return `${name}, kept as test/evidence/kept/${file}`
}

/** The command line of either, for one file of each verdict: what it ends with. */
async function checkCommand(python: string, crafted: readonly Known[]): Promise<void> {
  const policyFile = join(work, "policy")
  writeFileSync(policyFile, policy)
  for (const [verdict, code] of Object.entries(exitCodes)) {
    const one = crafted.find((file) => file.verdict === verdict && file.bytes.length > 0) as Known
    const file = join(work, "evidence.postern.ndjson")
    writeFileSync(file, one.bytes)
    const trust = one.policy === policy ? ["--policy", policyFile] : ["--vkey", vkey]
    const ours = await postern(["verify", file, ...trust])
    results.check(ours.code === code, `postern verify ends with ${code}: ${one.name}`, ours.text)
    const theirs = await askCommand(python, [file, ...trust])
    results.check(theirs === code, `verify.py ends with ${code}: ${one.name}`, `it was ${theirs}`)
  }
}

async function askCommand(python: string, args: readonly string[]): Promise<number> {
  return (await run(python, [program, ...args])).code
}

try {
  await main()
} catch (error) {
  results.check(false, "the programme itself", error instanceof Error ? error.stack : String(error))
} finally {
  rmSync(work, { recursive: true, force: true })
  results.end()
}
