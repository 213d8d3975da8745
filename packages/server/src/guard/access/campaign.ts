import { encodeUtf8, formatHex, PosternError, sha256 } from "@postern/log/base"
import { stringify } from "yaml"
import { z } from "zod"
import { type AccessList, endIdentity, type Identity, parseAccess } from "../../access/index.ts"
import { readDocument } from "../../config/index.ts"
import type { Usage } from "./usage.ts"

const textMax = 16_777_216
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/, "must be a day such as 2026-12-06")
const hex = z.string().regex(/^[0-9a-f]{64}$/, "must be left as it was")
const decisions = ["certify", "revoke", "change", ""] as const

const entrySchema = z.strictObject({
  id: z.string(),
  role: z.string(),
  owner: z.string(),
  lastUsed: z.string(),
  flags: z.array(z.string()),
  line: hex,
  decision: z
    .enum(decisions, "must be certify, revoke or change (or empty: it expires at the deadline)")
    .nullable()
    .transform((value) => value ?? ""),
  note: z.string().max(1000, "is longer than 1000 characters").nullable().optional(),
})

const campaignSchema = z.strictObject({
  origin: z.string(),
  list: hex,
  began: day,
  deadline: day,
  next: day,
  usageSince: z.string(),
  entries: z.array(entrySchema),
})

/** A review under way: one file that people fill in. */
export type Campaign = z.output<typeof campaignSchema>

export interface CampaignPlan {
  readonly origin: string
  /** Days, YYYY-MM-DD. */
  readonly began: string
  readonly deadline: string
  /** When the next review is due. */
  readonly next: string
  /** From when on usage was looked for. */
  readonly usageSince: string | undefined
}

const opening = `# Review of the access list. For each entry say under decision: certify (it stays as it is), revoke (it ends now)
# or change (you have changed its line in access.yaml). What is left empty expires at the deadline.
# Then: postern access review apply THIS_FILE
`

/** The file of a new review. Without usage, nobody is known to be unused. */
export function makeCampaign(
  list: AccessList,
  usages: ReadonlyMap<string, Usage> | undefined,
  { origin, began, deadline, next, usageSince }: CampaignPlan,
): string {
  const dayMs = Date.parse(`${began}T00:00:00Z`)
  const good = list.identities.filter(({ expires }) => expires === undefined || expires > dayMs)
  const campaign: Campaign = {
    ...{ origin, list: list.digest, began, deadline, next },
    usageSince: usageSince ?? "unknown",
    entries: good.map((identity) => {
      const usage = usages?.get(identity.id)
      return {
        ...{ id: identity.id, role: identity.role, owner: identity.owner ?? "" },
        lastUsed: usage === undefined ? "unknown" : (usage.lastUsed ?? "never"),
        flags: flagsOf(identity, usage),
        line: lineDigest(identity),
        ...{ decision: "", note: "" },
      }
    }),
  }
  return `${opening}${stringify(campaign, { lineWidth: 0 })}`
}

function flagsOf(identity: Identity, usage: Usage | undefined): string[] {
  const flags: string[] = []
  if (usage !== undefined && usage.lastUsed === undefined) flags.push("unused")
  if (usage !== undefined && usage.neverNeeded.length > 0)
    flags.push(`over-privileged: never needed ${usage.neverNeeded.join(", ")}`)
  if (identity.owner === undefined) flags.push("ownerless")
  if (identity.role === "writer") {
    const { sources, actions } = identity.grant
    if (sources.includes("*") || actions.includes("*")) flags.push("wildcard")
  }
  if (usage?.shared !== undefined) flags.push(`shared: ${usage.shared}`)
  if (usage?.selfApproved === true) flags.push("self-approved")
  return flags
}

/** Of what the list says about the identity, so that a change since then is seen. */
function lineDigest(identity: Identity): string {
  return digestOf(JSON.stringify(identity))
}

function digestOf(text: string): string {
  return formatHex(sha256(encodeUtf8(text)))
}

/** Errors: CONFIG_INVALID, `FILE line N: …`. */
export function parseCampaign(text: string, file: string): Campaign {
  return readDocument(text, campaignSchema, { code: "CONFIG_INVALID", textMax, where: file }).value
}

/** What a filled-in review makes of the list. */
export interface Reviewed {
  /** Of access.yaml. */
  readonly text: string
  readonly certified: number
  readonly revoked: number
  readonly changed: number
  readonly expired: number
  /** SHA-256 of the filled-in file, hex. */
  readonly result: string
}

/**
 * Carries the answers out on the list as it is now. Doing it again changes nothing more. Errors: CONFIG_INVALID if an
 * answer does not fit the list, if one of the installation's own processes was left unanswered, or if no operator would
 * be left.
 */
export function applyCampaign(file: string, filled: string, access: string, now: Date): Reviewed {
  const campaign = parseCampaign(filled, file)
  const counts = { certified: 0, revoked: 0, changed: 0, expired: 0 }
  const names = {
    certify: "certified",
    revoke: "revoked",
    change: "changed",
    "": "expired",
  } as const
  let text = access
  for (const entry of campaign.entries) {
    counts[names[entry.decision]] += 1
    text = carryOut(entry, text, campaign, now)
  }
  const deadlineMs = Date.parse(`${campaign.deadline}T00:00:00Z`)
  const left = parseAccess(text).identities.filter(
    ({ role, expires }) =>
      role === "operator" && (expires ?? Number.POSITIVE_INFINITY) > deadlineMs,
  )
  if (left.length === 0) throw unfit("", "no operator would be left after the deadline")
  return { text, ...counts, result: digestOf(filled) }
}

function carryOut(
  { id, decision, line }: Campaign["entries"][number],
  text: string,
  { deadline }: Campaign,
  now: Date,
): string {
  const identity = parseAccess(text).identities.find((one) => one.id === id)
  if (identity === undefined) return text // Gone since: nothing is left to decide.
  const isSame = lineDigest(identity) === line
  if (decision === "certify" && !isSame)
    throw unfit(id, "its line was changed since the review began; say change")
  if (decision === "change" && isSame) throw unfit(id, "its line in access.yaml is unchanged")
  if (decision === "revoke") return endBy(text, identity, secondsOf(now))
  if (decision !== "") return text
  if (isOwn(identity)) throw unfit(id, "is a process of this installation and would expire: decide")
  // An end in the future would be the hour before it: what is sealed ends now.
  const isSealed = identity.role === "reader" && identity.breakGlass === true
  return endBy(text, identity, isSealed ? secondsOf(now) : deadline)
}

/** A process of this installation: without it the service would not run. */
function isOwn(identity: Identity): boolean {
  return identity.role === "courier" || (identity.role === "writer" && !!identity.grant.internal)
}

/** What became of the entries that nobody answered. */
export interface Expiry {
  /** Of access.yaml. */
  readonly text: string
  /** SPIFFE IDs that end now. */
  readonly expired: readonly string[]
  /** Unanswered too, and left in force: the service's own processes, and operators if no other would be left. */
  readonly left: readonly string[]
}

/**
 * Ends what nobody answered, from the deadline of a review on; before it, nothing. What was answered and not carried out counts as
 * answered: its review stays overdue. Done again it changes nothing more.
 */
export function expireUnanswered(campaign: Campaign, access: string, now: Date): Expiry {
  const { deadline, entries } = campaign
  const untouched = { text: access, expired: [], left: [] }
  if (now.getTime() < Date.parse(`${deadline}T00:00:00Z`)) return untouched
  const { identities } = parseAccess(access)
  const open = new Set(entries.filter(({ decision }) => decision === "").map(({ id }) => id))
  const live = identities.filter(
    ({ expires }) => (expires ?? Number.POSITIVE_INFINITY) > now.getTime(),
  )
  const unanswered = live.filter(({ id }) => open.has(id))
  const operators = live.filter(({ role }) => role === "operator")
  const isLast = operators.every(({ id }) => open.has(id))
  const stays = (one: Identity) => isOwn(one) || (isLast && one.role === "operator")
  const ending = unanswered.filter((one) => !stays(one))
  const text = ending.reduce((before, one) => endBy(before, one, deadline), access)
  return {
    text,
    expired: ending.map(({ id }) => id),
    left: unanswered.filter(stays).map(({ id }) => id),
  }
}

function secondsOf(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

/** Never later than it would have ended. */
function endBy(text: string, { id, expires }: Identity, end: string): string {
  const endMs = Date.parse(end.length === 10 ? `${end}T00:00:00Z` : end)
  return expires !== undefined && expires <= endMs ? text : endIdentity(text, id, end)
}

function unfit(id: string, what: string): PosternError {
  return new PosternError("CONFIG_INVALID", `review: ${id === "" ? "" : `${id}: `}${what}`)
}
