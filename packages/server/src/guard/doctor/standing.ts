import type { Finding, Result, Severity } from "../exposure/index.ts"

/** What the port says of itself over the admin plane, as far as it is looked at here. Nothing in it need be there. */
export interface PortStatus {
  readonly notReady?: readonly string[]
  readonly accessProblem?: string
  readonly policyProblem?: string
  readonly policy?: { readonly digest: string }
  readonly signerProblem?: string
  readonly runtime?: { readonly pid: number; readonly node: string }
  readonly silentWriters?: number
  readonly durableSize?: number
  readonly publishedSize?: number
  readonly breakGlass?: {
    readonly open: readonly string[]
    readonly waiting: readonly {
      readonly identity: string
      readonly by: string
      readonly due: string
      readonly overdue: boolean
    }[]
  }
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
  sayBreakGlass(status, say)
  sayWitnesses(status, say)
  sayClock(status, say)
  return findings
}

type Say = (id: string, severity: Severity, result: Result, evidence: string, fix: string) => void

function sayBreakGlass({ breakGlass }: PortStatus, say: Say): void {
  const fix = "docs/operating/break-glass.md"
  if (breakGlass === undefined)
    return say("breakglass.open", "high", "unknown", "the port did not say", fix)
  const { open, waiting } = breakGlass
  const isOpen = open.length > 0
  const now = isOpen ? `${open.join(", ")} may read now` : "no emergency access is open"
  say("breakglass.open", "high", isOpen ? "fail" : "ok", now, "it ends by itself within the hour")
  const late = waiting.some(({ overdue }) => overdue)
  const each = waiting.map(({ identity, by, due }) => `${identity}, opened by ${by}, due ${due}`)
  const result = late ? "fail" : waiting.length > 0 ? "warn" : "ok"
  const evidence = waiting.length === 0 ? "every opening was reviewed" : each.join("; ")
  say("breakglass.review", "high", result, `${late ? "overdue: " : ""}${evidence}`, fix)
}

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
  // A clock that is known to be wrong is worse than one that nobody here can judge.
  const severity = result === "unknown" ? "medium" : "high"
  say("clock.offset", severity, result, `${far}; synchronized: ${synchronized}`, fix)
}
