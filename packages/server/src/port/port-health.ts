import { errorRegistry } from "@postern/log/base"
import type { TlsFiles } from "../acceptor/index.ts"
import type { ClockCheck } from "./clock-check.ts"
import type { InForce } from "./in-force.ts"
import type { OpenedLog } from "./open-log.ts"
import type { OperatorActs } from "./operator-acts.ts"
import type { PortHealth } from "./ops/index.ts"
import type { Publishing } from "./publishing.ts"
import type { CreditPool } from "./session/index.ts"
import { tlsHealth } from "./tls-keeping.ts"

/** Who knows how the port is. */
export interface HealthParts {
  readonly log: OpenedLog
  readonly publishing: Publishing
  readonly inForce: InForce
  readonly clock: ClockCheck
  readonly acts: OperatorActs
  readonly tls: TlsFiles
  readonly pool: CreditPool
  readonly connections: number
  readonly isDraining: boolean
  readonly nowMs: number
}

/** What the ops plane and the admin plane tell of the port. */
export function healthOf(parts: HealthParts): PortHealth {
  const { log, publishing, inForce, clock, acts, tls, pool, connections, nowMs } = parts
  const { counters, refusals, losses, streams, commits } = log
  const witnesses = publishing.witnesses?.summary()
  return {
    ...counters,
    ackSeconds: counters.commits.quantiles(),
    connections,
    refused: refusals.total,
    cut: losses.total,
    streams: streams.size,
    durableSize: commits.head?.size ?? 0,
    publishedSize: publishing.checkpoints.published,
    signerProblem: publishing.checkpoints.signerProblem?.message,
    accessProblem: inForce.access.problem,
    policyProblem: inForce.policy.problem,
    policyFigures: log.policy.figures(),
    breakGlass: inForce.access.breakGlass,
    witnesses,
    clock: clock.state(),
    doctor: acts.doctor,
    tls: tlsHealth(tls, nowMs),
    creditLeft: pool.left,
    notReady: notReady(parts, witnesses?.contradiction),
  }
}

function notReady(
  { log, publishing, isDraining }: HealthParts,
  contradiction: string | undefined,
): string[] {
  const reasons: string[] = []
  if (isDraining) reasons.push("draining")
  const since = log.commits.diskFullSince
  if (since !== undefined) {
    reasons.push(
      `the log's disk has been full since ${new Date(since).toISOString()}: ${errorRegistry.DISK_FULL.hint}`,
    )
  }
  const { signerProblem } = publishing.checkpoints
  if (signerProblem?.code === "LOG_ROLLED_BACK") reasons.push(signerProblem.message)
  if (contradiction !== undefined) reasons.push(contradiction)
  return reasons
}
