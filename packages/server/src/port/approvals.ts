import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { type AccessList, diffAccess } from "../access/index.ts"
import {
  checkStatement,
  distinctSigners,
  type SignedStatement,
  type StatementWorld,
} from "../approval/index.ts"
import { readTextFile } from "../config/index.ts"

const filesMax = 64
const reasonsMax = 3

/**
 * The approvals that a change of the access list needs, one for each approver; none if it needs none. What lies in the
 * directory is hostile. Errors: APPROVAL_MISSING, with what was wrong with the others.
 */
export function demandApprovals(
  directory: string,
  after: AccessList,
  world: StatementWorld,
): readonly SignedStatement[] {
  const before = world.list
  const wanted = before.approvals?.weakening ?? 0
  if (wanted === 0 || !diffAccess(before, after).some(({ weakens }) => weakens)) return []
  const reasons: string[] = []
  const counted: SignedStatement[] = []
  for (const name of namesIn(directory)) {
    try {
      const one = checkStatement(readTextFile(join(directory, name)), world)
      const { from, to } = one.fields
      if (one.kind === "approve-access" && from === before.digest && to === after.digest)
        counted.push(one)
    } catch (error) {
      if (!(error instanceof PosternError)) throw error
      reasons.push(`${name}: ${error.detail}`)
    }
  }
  const approvers = distinctSigners(counted)
  if (approvers.length >= wanted) return approvers
  const others = reasons.length === 0 ? "" : `; ${reasons.slice(0, reasonsMax).join("; ")}`
  const change = `${before.digest} to ${after.digest}`
  throw new PosternError(
    "APPROVAL_MISSING",
    `${approvers.length} of ${wanted} for ${change}${others}`,
  )
}

function namesIn(directory: string): string[] {
  if (!existsSync(directory)) return []
  const names = readdirSync(directory).filter((name) => name.endsWith(".approval"))
  return names.toSorted().slice(0, filesMax)
}
