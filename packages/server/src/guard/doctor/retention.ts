import { existsSync } from "node:fs"
import { type Config, dataDirectories, policyFile, readTextFile } from "../../config/index.ts"
import { readSegmentAges, type SegmentAge } from "../../disk/index.ts"
import { parsePolicy, type RetentionRule, retentionRule } from "../../policy/rules/index.ts"
import { upcoming } from "../../retention/index.ts"
import type { Finding } from "../exposure/index.ts"

const dayMicros = 86_400_000_000
/** A run a day lets go what is due; a week without one is noticed. */
const graceDays = 7

/** What retention says, and what is there. Nothing where there is no rule. Errors: POLICY_INVALID, CONFIG_INVALID. */
export async function examineRetention(config: Config, now: Date): Promise<Finding[]> {
  const file = policyFile(config)
  const rule =
    file === undefined ? undefined : retentionRule(parsePolicy(readTextFile(file)).retention)
  const { log } = dataDirectories(config)
  if (rule === undefined || !existsSync(log)) return []
  return judgeRetention(rule, await readSegmentAges(log), now.getTime() * 1000)
}

/** Whether something outstays its time, and whether enough is at hand. Pure. @param now microseconds */
export function judgeRetention(
  rule: RetentionRule,
  ages: readonly SegmentAge[],
  now: number,
): Finding[] {
  const about = { subject: "log", severity: "medium" } as const
  const late = upcoming(ages, rule).filter(({ due }) => due + graceDays * dayMicros < now)
  const last = late.at(-1)
  const overdue =
    last === undefined
      ? { result: "ok", evidence: `nothing is older than the ${rule.keep} days of keep`, fix: "" }
      : {
          result: "warn",
          evidence: `entries ${late[0]?.first} to ${last.end} have been due for over ${graceDays} days`,
          fix: "postern retention plan says whether a hold keeps them; else postern retention run",
        }
  const findings = [{ ...about, id: "retention.overdue", ...overdue } as Finding]
  const [oldest] = ages
  if (rule.hot === undefined || oldest?.began === undefined) return findings
  const days = Math.floor((now - oldest.began) / dayMicros)
  const isShort = oldest.first > 0 && days < rule.hot
  const evidence = `the oldest entry that is there was committed ${days} days ago, hot is ${rule.hot} days`
  findings.push({
    ...{ ...about, id: "retention.hot", evidence },
    result: isShort ? "fail" : "ok",
    fix: isShort ? "the rule was shorter before: what went comes back from no file here" : "",
  })
  return findings
}
