import { existsSync, readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { parseStatement } from "../../approval/index.ts"
import { type Config, readTextFile } from "../../config/index.ts"
import { type Campaign, parseCampaign } from "./campaign.ts"

/** Where reviews lie: `DAY.yaml` is filled in, `DAY.yaml.signed` is its signed result. */
export function reviewsDirectory(config: Pick<Config, "access">): string {
  return join(dirname(config.access), "reviews")
}

export interface ReviewState {
  readonly state: "ok" | "warn" | "overdue"
  /** The day by which the next review must be done; undefined if there was none yet. */
  readonly due: string | undefined
  /** A review that was begun and is not signed yet. */
  readonly open: { readonly file: string; readonly deadline: string } | undefined
}

const warnMs = 14 * 86_400_000

/**
 * How the reviews stand: overdue from the due day on, or from the deadline of an open one on; warn two weeks before, and
 * while there was none. Errors: CONFIG_INVALID, APPROVAL_INVALID for files that are not what their names say.
 */
export function reviewState(config: Pick<Config, "access">, nowMs: number): ReviewState {
  const directory = reviewsDirectory(config)
  const names = existsSync(directory) ? readdirSync(directory).toSorted() : []
  const read = (name: string) => readTextFile(join(directory, name))
  const due = names
    .filter((name) => name.endsWith(".yaml.signed"))
    .map((name) => parseStatement(read(name)).fields.due ?? "")
    .toSorted()
    .at(-1)
  const newest = names.filter((name) => name.endsWith(".yaml")).at(-1)
  const isOpen = newest !== undefined && !names.includes(`${newest}.signed`)
  const open = isOpen
    ? { file: join(directory, newest), deadline: parseCampaign(read(newest), newest).deadline }
    : undefined
  return { state: stateOf(due, open?.deadline, nowMs), due, open }
}

/** The open review whose deadline is over: what nobody answered in it is to end. Errors: as reviewState(). */
export function passedReview(
  config: Pick<Config, "access">,
  nowMs: number,
): { readonly file: string; readonly campaign: Campaign } | undefined {
  const { open } = reviewState(config, nowMs)
  if (open === undefined || nowMs < Date.parse(open.deadline)) return undefined
  return { file: open.file, campaign: parseCampaign(readTextFile(open.file), open.file) }
}

function stateOf(
  due: string | undefined,
  deadline: string | undefined,
  nowMs: number,
): ReviewState["state"] {
  const ends = [due, deadline].flatMap((day) => (day === undefined ? [] : [Date.parse(day)]))
  if (ends.some((end) => nowMs >= end)) return "overdue"
  return due === undefined || ends.some((end) => nowMs >= end - warnMs) ? "warn" : "ok"
}
