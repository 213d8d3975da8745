import { existsSync } from "node:fs"
import { statfs } from "node:fs/promises"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import type { Config } from "../config/index.ts"
import { dataDirectories, policyFile, readTextFile } from "../config/index.ts"
import { followLog, readSegmentAges, type SegmentAge } from "../disk/index.ts"
import { askQuery, searchQuery } from "../evidence/index.ts"
import { parsePolicy, type RetentionRule, retentionRule } from "../policy/rules/index.ts"
import { dueTo, type Hold, parseHolds } from "../retention/index.ts"
import { type AdminClient, adminClient, isNotRunning } from "./admin-client.ts"

/** What retention goes by: the rule, the holds, and the log as it lies on this machine. */
export interface RetentionFacts {
  /** Undefined: everything stays. */
  readonly rule: RetentionRule | undefined
  readonly holds: readonly Hold[]
  readonly holdsDigest: string | undefined
  readonly ages: readonly SegmentAge[]
  readonly freeBytes: number
  /** Whether rule and holds are the running port's; else they are what stands in files. */
  readonly isRunning: boolean
}

/** @param operator file of the operator's profile. Errors: those of the admin plane, but for a port that does not run. */
export async function gatherRetention(config: Config, operator: string): Promise<RetentionFacts> {
  const { log } = dataDirectories(config)
  const { bavail, bsize } = await statfs(log)
  const found = { ages: await readSegmentAges(log), freeBytes: bavail * bsize }
  try {
    const admin = adminClient(loadProfile(operator))
    const { retention, holds, holdsDigest } = await admin.retention()
    return { ...found, rule: retentionRule(retention), holds, holdsDigest, isRunning: true }
  } catch (error) {
    if (!isNotRunning(error)) throw error
    return { ...found, ...readFiles(config), holdsDigest: undefined, isRunning: false }
  }
}

function readFiles(config: Config): Pick<RetentionFacts, "rule" | "holds"> {
  const file = policyFile(config)
  const holds = join(dataDirectories(config).portState, "holds.json")
  return {
    rule: file === undefined ? undefined : retentionRule(parsePolicy(readTextFile(file)).retention),
    holds: existsSync(holds) ? parseHolds(readTextFile(holds)) : [],
  }
}

/** What may go now. */
export interface DueEntries {
  /** Where the log begins, and where it may begin: the same if nothing is due. */
  readonly from: number
  readonly to: number
  readonly segments: number
  readonly bytes: number
  /** The hold that keeps more, and the first entry that it keeps. */
  readonly heldBy: { readonly hold: string; readonly entry: number } | undefined
}

/** Looks through what is due for entries that are held. @param nowMs milliseconds since the epoch */
export async function findDue(
  config: Config,
  { rule, ages, holds }: RetentionFacts,
  nowMs: number,
): Promise<DueEntries> {
  const from = ages[0]?.first ?? 0
  const due = rule === undefined ? from : dueTo(ages, rule, nowMs * 1000)
  const heldBy = due === from ? undefined : await firstHeld(config, holds, due)
  const to =
    heldBy === undefined
      ? due
      : (ages.findLast(({ first }) => first <= heldBy.entry)?.first ?? from)
  const going = ages.filter(({ first }) => first < to)
  const bytes = going.reduce((sum, segment) => sum + segment.bytes, 0)
  return { from, to, segments: going.length, bytes, heldBy }
}

async function firstHeld(
  config: Config,
  holds: readonly Hold[],
  below: number,
): Promise<DueEntries["heldBy"]> {
  if (holds.length === 0) return undefined
  const view = await followLog(dataDirectories(config).log)
  try {
    let found: DueEntries["heldBy"]
    for (const { id: hold, query } of holds) {
      const [entry] = await searchQuery(view, askQuery({ query }).query, found?.entry ?? below, 0)
      if (entry !== undefined) found = { hold, entry }
    }
    return found
  } finally {
    await view.close()
  }
}

/** What a run did. */
export interface RetentionRun {
  readonly from: number
  readonly to: number
  readonly bytes: number
  readonly keys: readonly string[]
  readonly heldBy: DueEntries["heldBy"]
}

/** Removed in one step of a run: an entry for each. */
const segmentsAtATime = 8

/** Has the port let go what is due. Undefined if the policy has no retention. Errors: RETENTION_NOT_DUE, UNREACHABLE. */
export async function runRetention(
  config: Config,
  operator: string,
  nowMs: number,
): Promise<RetentionRun | undefined> {
  const admin: AdminClient = adminClient(loadProfile(operator), { timeoutMs: 120_000 })
  const facts = await gatherRetention(config, operator)
  if (facts.rule === undefined || facts.holdsDigest === undefined) {
    await admin.status()
    return undefined
  }
  const { from, to, heldBy } = await findDue(config, facts, nowMs)
  const ends = facts.ages.map(({ first }) => first).filter((first) => first > from && first <= to)
  let bytes = 0
  const keys: string[] = []
  for (let at = segmentsAtATime - 1; ; at += segmentsAtATime) {
    const step = ends[Math.min(at, ends.length - 1)] ?? from
    const done = await admin.runRetention({ to: step, holds: facts.holdsDigest })
    bytes += done.pruned?.bytes ?? 0
    keys.push(...done.keys)
    if (step === to || at >= ends.length - 1) return { from, to: step, bytes, keys, heldBy }
  }
}
