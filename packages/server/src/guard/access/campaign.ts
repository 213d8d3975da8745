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
  if (decision === "revoke") return endBy(text, identity, `${now.toISOString().slice(0, 19)}Z`)
  if (decision !== "") return text
  const isOwn =
    identity.role === "courier" || (identity.role === "writer" && identity.grant.internal)
  if (isOwn) throw unfit(id, "is a process of this installation and would expire: decide")
  return endBy(text, identity, deadline)
}

/** Never later than it would have ended. */
function endBy(text: string, { id, expires }: Identity, end: string): string {
  const endMs = Date.parse(end.length === 10 ? `${end}T00:00:00Z` : end)
  return expires !== undefined && expires <= endMs ? text : endIdentity(text, id, end)
}

function unfit(id: string, what: string): PosternError {
  return new PosternError("CONFIG_INVALID", `review: ${id === "" ? "" : `${id}: `}${what}`)
}
