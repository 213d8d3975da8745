import type { Finding, Result, Severity } from "../exposure/index.ts"

/** What the port says of itself over the admin plane, as far as it is looked at here. Nothing in it need be there. */
export interface PortStatus {
  readonly notReady?: readonly string[]
  readonly accessProblem?: string
  readonly signerProblem?: string
  readonly silentWriters?: number
  readonly durableSize?: number
  readonly publishedSize?: number
  readonly access?: { readonly port?: string; readonly reader?: string }
  readonly witnesses?: {
    readonly size: number
    readonly ageSeconds?: number
    readonly behind: boolean
  }
  readonly clock?: {
    readonly synchronized: string
    readonly offset: string
    readonly offsetMs?: number
  }
}

/** The port's own word, as findings. Pure. */
export function judgeStatus(status: PortStatus): Finding[] {
  const findings: Finding[] = []
  const say = (
    id: string,
    severity: Severity,
    result: Result,
    evidence: string,
    fix: string,
  ): void => {
    const about = { id, subject: "port", severity }
    findings.push({ ...about, result, evidence, fix: result === "ok" ? "" : fix })
  }
  const { notReady = [], accessProblem, signerProblem, silentWriters = 0, access } = status
  const isReady = notReady.length === 0
  say(
    "port.ready",
    "critical",
    isReady ? "ok" : "fail",
    isReady ? "it takes events" : notReady.join("; "),
    "the reason says what to do",
  )
  say(
    "port.signer",
    "high",
    signerProblem === undefined ? "ok" : "fail",
    signerProblem ?? "it signs",
    "docs/operating/keys.md",
  )
  say(
    "access.accepted",
    "high",
    accessProblem === undefined ? "ok" : "fail",
    accessProblem ?? "the newest access list is in force",
    "correct access.yaml; the old list stays in force until then",
  )
  const applied = access?.port !== undefined && access.port === access.reader
  say(
    "access.applied",
    "high",
    access?.reader === undefined ? "unknown" : applied ? "ok" : "fail",
    applied
      ? "port and reader process have the same list"
      : "the reader process has another list, or has not said",
    "is the reader process running? postern serve",
  )
  say(
    "writers.silent",
    "high",
    silentWriters === 0 ? "ok" : "warn",
    `${silentWriters} writers with a cadence have said nothing for longer`,
    "postern writer gaps names them",
  )
  sayWitnesses(status, say)
  sayClock(status, say)
  return findings
}

type Say = (id: string, severity: Severity, result: Result, evidence: string, fix: string) => void

function sayWitnesses({ witnesses }: PortStatus, say: Say): void {
  const fix = "docs/operating/witness.md"
  if (witnesses === undefined) {
    const evidence =
      "no witness stands behind this log: who holds its key can rewrite what nobody else remembers"
    return say("witness.age", "medium", "warn", evidence, fix)
  }
  const { behind, ageSeconds, size } = witnesses
  const age = ageSeconds === undefined ? "never" : `${ageSeconds} seconds ago`
  say("witness.age", "high", behind ? "fail" : "ok", `${size} entries witnessed, ${age}`, fix)
}

function sayClock({ clock }: PortStatus, say: Say): void {
  const fix = "have a time service keep the clock: chrony or systemd-timesyncd"
  if (clock === undefined)
    return say("clock.offset", "high", "unknown", "the port did not say", fix)
  const { synchronized, offset, offsetMs } = clock
  const kept = synchronized === "yes"
  const results: Readonly<Record<string, Result>> = { within: "ok", beyond: "fail" }
  const far =
    offsetMs === undefined ? "no witness to compare it with" : `${offsetMs} ms from witnesses`
  const result = results[offset] ?? (kept ? "ok" : "unknown")
  say("clock.offset", "high", result, `${far}; synchronized: ${synchronized}`, fix)
}
