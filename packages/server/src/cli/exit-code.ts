import { type ErrorCode, errorRegistry } from "@postern/log/base"

/** What the command line ends with. 128 + n is left to signals. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** Something was checked and is not what it claims to be. */
  unverified: 3,
  unreachable: 4,
  denied: 5,
  /** Evidence that holds under the log's key alone (docs/spec/evidence.md): no quorum of witnesses stands behind it. */
  signedOnly: 10,
  /** Two histories of one log: as the verdict FORK-EVIDENCE (docs/spec/evidence.md). */
  forked: 11,
  /** EX_CONFIG of sysexits. */
  configuration: 78,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const special: Partial<Record<ErrorCode, ExitCode>> = {
  USAGE: exitCodes.usage,
  ANCHOR_INVALID: exitCodes.unverified,
  NOTE_INVALID: exitCodes.unverified,
  PROOF_INVALID: exitCodes.unverified,
  RECEIPT_INVALID: exitCodes.unverified,
  ENTRY_MISSING: exitCodes.unverified,
  EVIDENCE_INVALID: exitCodes.unverified,
  DISCLOSURE_INVALID: exitCodes.unverified,
  LOG_DAMAGED: exitCodes.unverified,
  LOG_ROLLED_BACK: exitCodes.unverified,
  LOG_FORKED: exitCodes.forked,
  UNREACHABLE: exitCodes.unreachable,
  SHUTTING_DOWN: exitCodes.unreachable,
  CONNECTION_LIMIT: exitCodes.unreachable,
  CONFIG_INVALID: exitCodes.configuration,
  ACCESS_INVALID: exitCodes.configuration,
  ALERTS_INVALID: exitCodes.configuration,
  MAPPING_INVALID: exitCodes.configuration,
  PROFILE_INVALID: exitCodes.configuration,
  ADDRESS_IN_USE: exitCodes.configuration,
  BIND_REFUSED: exitCodes.configuration,
  LOG_FORMAT: exitCodes.configuration,
  POLICY_INVALID: exitCodes.configuration,
  WITNESS_STATE_LOST: exitCodes.configuration,
}

/** Whatever is answered with 403 is a denial; what is not listed is a plain failure. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  const listed = special[code]
  if (listed !== undefined) return listed
  return errorRegistry[code].status === 403 ? exitCodes.denied : exitCodes.failed
}

/** Thrown by a command that has said everything and ends with something else than 0: no error is told. */
export class Ending extends Error {
  /** One of ours, or that of a command which was run. */
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`)
    this.name = "Ending"
    this.exitCode = exitCode
  }
}
