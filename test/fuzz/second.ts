import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { formatBase64, formatHex } from "@postern/log/base"
import type { CosignedCheckpoint, Note, TrustPolicy } from "@postern/log/tlog"
import { policyText } from "./keys.ts"
import type { Input } from "./parser.ts"
import { sealText } from "./tlog-parsers.ts"

const program = fileURLToPath(new URL("second_parsers.py", import.meta.url))
const hex = (keyId: number) => keyId.toString(16).padStart(8, "0")

const cosignedReading = ({ checkpoint, cosigned, quorumMet }: CosignedCheckpoint): string => {
  const { origin, size, root } = checkpoint
  return [origin, size, formatBase64(root), ...[...cosigned].sort(), quorumMet].join("|")
}

/** What both verifiers can be asked for, of parsers that both have: as one text. */
const readings: Readonly<Record<string, (value: never) => string>> = {
  note: ({ text, signatures }: Note) =>
    [
      text,
      ...signatures.map((one) => `${one.name} ${hex(one.keyId)} ${formatHex(one.signature)}`),
    ].join("|"),
  "cosigned-checkpoint": cosignedReading,
  "signed-text": cosignedReading,
  policy: ({ logs, witnesses, groups, quorum }: TrustPolicy) =>
    [
      ...logs.map(({ vkey }) => vkey),
      ...witnesses.map(({ name, vkey }) => `${name} ${vkey.name} ${hex(vkey.keyId)}`),
      ...groups.map(({ name, threshold, members }) => `${name} ${threshold} ${members.join(" ")}`),
      quorum ?? "none",
    ].join("|"),
}

/** An input, and what @postern/log made of it; undefined if it refused. */
export interface Question {
  readonly parser: string
  readonly input: string
  readonly value: unknown
}

export const isSecondAsked = (parser: string): boolean => Object.hasOwn(readings, parser)

/** The questions that the second verifier answers otherwise, each with both answers. All are asked in one process. */
export async function differences(
  python: string,
  questions: readonly Question[],
): Promise<{ question: Question; said: string }[]> {
  if (questions.length === 0) return []
  const asked = questions.map(({ parser, input }) => {
    const text =
      parser === "signed-text"
        ? { parser: "cosigned-checkpoint", input: sealText(input) }
        : { parser, input }
    return `${JSON.stringify({ ...text, policy: policyText })}\n`
  })
  const child = spawn(python, [program], { stdio: ["pipe", "pipe", "inherit"] })
  let text = ""
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk
  })
  // A program that ends before it has read everything is told by its answers.
  child.stdin.on("error", () => undefined).end(asked.join(""))
  await once(child, "close")
  const answers = text.trimEnd().split("\n")
  if (answers.length !== questions.length) {
    throw new Error(`${program} answered ${answers.length} of ${questions.length}`)
  }
  return questions.flatMap((question, i) => {
    const { said, why } = JSON.parse(answers[i] ?? "") as { said: string | null; why: string }
    const ours = readingOf(question)
    if (ours === said) return []
    const [one, other] = [ours, said ?? `nothing (${why})`].map((answer) => answer ?? "nothing")
    return [{ question, said: `@postern/log reads ${one}, the second verifier ${other}` }]
  })
}

function readingOf({ parser, value }: Question): string | null {
  return value === undefined ? null : (readings[parser]?.(value as never) ?? "")
}

/** Text without half a surrogate pair: bytes that hold one never become text that a parser is given. */
export function isAskable(input: Input): input is string {
  return typeof input === "string" && !/\p{Surrogate}/u.test(input)
}
