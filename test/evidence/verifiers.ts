import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { checkEvidence } from "@postern/log/evidence"
import { parsePolicy } from "@postern/log/tlog"
import { run } from "../interop/port-process.ts"

/** A file and whom to believe about it. */
export interface Question {
  readonly name: string
  readonly bytes: Buffer
  readonly policy: string
}

/** What a verifier says of a file: as much of it as two have in common. */
export interface Answer {
  readonly verdict: string
  readonly writerSigned: number
  readonly portAsserted: number
  readonly unknown: number
  /** Values in the file; values of its leaves that are not, and of how many leaves. */
  readonly disclosed: number
  readonly withheld: number
  readonly withholding: number
  readonly witnesses: string
  /** Of a stream: whether the writer or the port gives the events their numbers. */
  readonly numberedBy: string
  /** In its own words. */
  readonly because: string
}

export const program = fileURLToPath(new URL("verify.py", import.meta.url))

/** The first Python that has the library for signatures; undefined and why, if there is none. */
export async function findPython(): Promise<{ python?: string; reason: string }> {
  let reason = "python3 is not installed"
  for (const python of ["python3", "/usr/bin/python3"]) {
    const code = await run(python, ["-c", "import cryptography"]).then(
      (ran) => ran.code,
      () => undefined,
    )
    if (code === 0) return { python, reason: "" }
    if (code !== undefined) reason = "python3-cryptography is not installed"
  }
  return { reason }
}

/** @postern/log's verdict. */
export async function askOurs({ bytes, policy }: Question): Promise<Answer> {
  const said = await checkEvidence(new Uint8Array(bytes), parsePolicy(policy))
  const { verdict, counts, cosigned, findings, numberedBy = "" } = said
  const because = findings.map(({ code, where, what }) => `${code}, ${where}: ${what}`).join("; ")
  const witnesses = [...cosigned].sort().join(" ")
  const { leaves: _, context: __, hashes: ___, ...counted } = counts
  return { verdict, ...counted, witnesses, numberedBy, because }
}

/** Python's verdicts, all in one process. */
export async function askPython(
  python: string,
  questions: readonly Question[],
  work: string,
): Promise<Answer[]> {
  const policies = new Map<string, string>()
  const jobs = questions.map(({ bytes, policy }, i) => {
    const file = join(work, `${i}.ndjson`)
    writeFileSync(file, bytes)
    const known = policies.get(policy) ?? join(work, `policy-${policies.size}`)
    if (!policies.has(policy)) writeFileSync(known, policy)
    policies.set(policy, known)
    return `${JSON.stringify({ file, policy: known })}\n`
  })
  const list = join(work, "jobs")
  writeFileSync(list, jobs.join(""))
  const ran = await run(python, [program, "--batch", list])
  if (ran.code !== 0) throw new Error(`verify.py ended with ${ran.code}:\n${ran.text}`)
  const reports = ran.text.trimEnd().split("\n")
  if (reports.length !== questions.length) throw new Error("verify.py did not answer everything")
  return reports.map(readReport)
}

function readReport(line: string): Answer {
  const report = JSON.parse(line)
  const { writerSigned = 0, portAsserted = 0, unknown = 0, witnesses = [], finding = "" } = report
  const { disclosed = 0, withheld = 0, withholding = 0 } = report
  const numberedBy = report.numberedBy ?? ""
  const verdict = report.verdict === "unknown" ? "UNKNOWN" : report.verdict
  // Of a fork the two notes may have different witnesses, which is of no interest to anybody.
  const named = verdict === "FORK-EVIDENCE" ? "" : [...witnesses].sort().join(" ")
  return {
    verdict,
    writerSigned,
    portAsserted,
    unknown,
    ...{ disclosed, withheld, withholding },
    witnesses: named,
    numberedBy,
    because: finding,
  }
}

/** How two answers differ; empty if they agree. Why a file is wrong, each may say as it likes. */
export function difference(ours: Answer, theirs: Answer): string {
  if (ours.verdict === "FORK-EVIDENCE" && theirs.verdict === ours.verdict) return ""
  const { because: _, ...said } = ours
  const same = Object.entries(said).filter(
    ([name, value]) => theirs[name as keyof Answer] !== value,
  )
  if (same.length === 0) return ""
  const say = ({ because, ...answer }: Answer) => `${Object.values(answer).join(" ")} ${because}`
  return `@postern/log says ${say(ours)}; verify.py says ${say(theirs)}`
}
