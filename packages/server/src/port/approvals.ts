import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import {
  checkStatement,
  distinctSigners,
  type SignedStatement,
  type StatementWorld,
} from "../approval/index.ts"
import { readTextFile } from "../config/index.ts"

const filesMax = 64
const reasonsMax = 3

/** A change that may need approval, by the digests of what it leads from and to. */
export interface ChangeToApprove {
  readonly kind: Extract<SignedStatement["kind"], "approve-access" | "approve-policy">
  readonly from: string
  readonly to: string
  readonly weakens: boolean
}

/**
 * The approvals that a change needs by the access list in force, one for each approver; none if it needs none. What lies in
 * the directory is hostile. Errors: APPROVAL_MISSING, with what was wrong with the others.
 */
export function demandApprovals(
  directory: string,
  change: ChangeToApprove,
  world: StatementWorld,
): readonly SignedStatement[] {
  const wanted = world.list.approvals?.weakening ?? 0
  if (!change.weakens) return []
  const { from, to } = change
  const isIt = ({ kind, fields }: SignedStatement): boolean =>
    kind === change.kind && fields.from === from && fields.to === to
  return countApprovals(directory, { wanted, what: `${from} to ${to}`, isIt }, world)
}

/** What a statement must be about to count, and how many must. */
export interface WantedApprovals {
  readonly wanted: number
  /** For whoever is told that there are too few. */
  readonly what: string
  isIt(statement: SignedStatement): boolean
}

/** One statement for each approver; none if none is wanted. What lies in the directory is hostile. Errors: APPROVAL_MISSING. */
export function countApprovals(
  directory: string,
  { wanted, what, isIt }: WantedApprovals,
  world: StatementWorld,
): readonly SignedStatement[] {
  if (wanted === 0) return []
  const reasons: string[] = []
  const counted: SignedStatement[] = []
  for (const name of namesIn(directory)) {
    try {
      const one = checkStatement(readTextFile(join(directory, name)), world)
      if (isIt(one)) counted.push(one)
    } catch (error) {
      if (!(error instanceof PosternError)) throw error
      reasons.push(`${name}: ${error.detail}`)
    }
  }
  const approvers = distinctSigners(counted)
  if (approvers.length >= wanted) return approvers
  const others = reasons.length === 0 ? "" : `; ${reasons.slice(0, reasonsMax).join("; ")}`
  throw new PosternError(
    "APPROVAL_MISSING",
    `${approvers.length} of ${wanted} for ${what}${others}`,
  )
}

function namesIn(directory: string): string[] {
  if (!existsSync(directory)) return []
  const names = readdirSync(directory).filter((name) => name.endsWith(".approval"))
  return names.toSorted().slice(0, filesMax)
}
