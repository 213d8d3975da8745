import { isDeepStrictEqual } from "node:util"
import { decodeUtf8, isPosternError, PosternError } from "@postern/log/base"
import { z } from "zod"
import { readDocument } from "../../config/index.ts"
import { type Adapter, adapters } from "../../policy/rules/index.ts"
import type { Trial, TrialResult } from "./trial.ts"
import { readEventText } from "./tried-event.ts"

/** Beside the policy. */
export const casesFile = "policy.cases.yaml"

const textMax = 4_194_304
const casesMax = 10_000

const json: z.ZodType<unknown> = z.unknown()
const pointer = z.string().regex(/^\//, "must begin with /")

const expectation = z
  .strictObject({
    kept: z.boolean(),
    rule: z.string().optional(),
    level: z.enum(["full", "request", "metadata", "drop"]).optional(),
    did: z.array(z.string()).optional(),
    event: z.record(pointer, json).optional(),
  })
  .superRefine(({ kept, event }, context) => {
    if (kept || event === undefined) return
    const message = "of an event that is not kept nothing is left"
    context.addIssue({ code: "custom", path: ["event"], message })
  })

const form = z
  .array(
    z.strictObject({
      name: z.string().min(1, "must not be empty"),
      writer: z.string().min(1, "must not be empty"),
      adapter: z.enum(adapters).default("postern"),
      event: z.record(z.string(), json),
      expect: expectation,
    }),
  )
  .min(1, "must hold at least one case")
  .max(casesMax, `must hold at most ${casesMax}`)

/** An event, and what the policy is to make of it. */
export interface Case {
  readonly name: string
  /** SPIFFE ID. */
  readonly writer: string
  readonly adapter: Adapter
  readonly event: Readonly<Record<string, unknown>>
  readonly expect: z.output<typeof expectation>
}

/** The text of policy.cases.yaml. Errors: POLICY_INVALID, with file and line. */
export function parseCases(text: string): readonly Case[] {
  const kind = { code: "POLICY_INVALID", textMax, where: casesFile } as const
  return readDocument(text, form, kind).value
}

export interface CaseResult {
  readonly name: string
  /** What is otherwise than expected, each for a person; none if all is well. */
  readonly wrong: readonly string[]
}

/** Never throws: an event that cannot be read is a case that fails. */
export function runCase(trial: Trial, one: Case): CaseResult {
  const { name, writer, adapter, event, expect } = one
  try {
    const result = trial.try(writer, adapter, readEventText(JSON.stringify(event)))
    return { name, wrong: differencesOf(expect, result) }
  } catch (error) {
    if (!isPosternError(error)) throw error
    return { name, wrong: [`event: ${error.message}`] }
  }
}

/** What a sample or a repetition leaves out is kept here: a case is one event, and nothing is drawn. */
function differencesOf(expect: Case["expect"], result: TrialResult): string[] {
  const { decision, did, kept, refused } = result
  const wrong: string[] = []
  const compare = (what: string, wanted: unknown, is: unknown) => {
    if (wanted === undefined || isAsWanted(wanted, is)) return
    wrong.push(`${what}: expected ${say(wanted)}, is ${say(is)}`)
  }
  compare("kept", expect.kept, kept !== undefined)
  if (refused !== undefined)
    wrong.push(`the port would refuse it: ${new PosternError(refused).message}`)
  compare("rule", expect.rule, decision.rule?.name)
  if (expect.rule !== undefined && decision.rule?.name !== expect.rule)
    wrong.push(...whyNot(expect.rule, result))
  compare("level", expect.level, decision.level)
  const done = did.map(({ what, at }) => `${what} ${at}`).toSorted()
  compare("did", expect.did?.toSorted(), done)
  if (expect.event === undefined || kept === undefined) return wrong
  const event: unknown = JSON.parse(decodeUtf8(kept) ?? "")
  for (const [at, wanted] of Object.entries(expect.event)) compare(at, wanted, valueAt(event, at))
  return wrong
}

function whyNot(rule: string, { passed }: TrialResult): string[] {
  const misses = passed.find((one) => one.rule.name === rule)?.misses
  if (misses === undefined) return [`  ${rule} was not asked: it stands behind, or nowhere`]
  return misses.map(({ condition, wanted, is }) => {
    return `  ${rule} wants ${condition} ${wanted}, the event says ${is ?? "nothing"}`
  })
}

/** A text with `*` at its end stands for whatever begins so, as in the policy: nobody knows an HMAC beforehand. */
function isAsWanted(wanted: unknown, is: unknown): boolean {
  if (typeof wanted === "string" && wanted.endsWith("*"))
    return typeof is === "string" && is.startsWith(wanted.slice(0, -1))
  return isDeepStrictEqual(wanted, is)
}

function say(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value)
}

/** RFC 6901; undefined if there is nothing. */
function valueAt(value: unknown, at: string): unknown {
  const names = at.slice(1).split("/")
  return names.reduce<unknown>((inside, name) => {
    const key = name.replaceAll("~1", "/").replaceAll("~0", "~")
    if (typeof inside !== "object" || inside === null || !Object.hasOwn(inside, key))
      return undefined
    return (inside as Record<string, unknown>)[key]
  }, value)
}

/** The policy.cases.yaml of a new installation: what the starting policy promises. */
export function startingCases(trustDomain: string): string {
  return `# What policy.yaml is to make of events: \`postern policy test policy.yaml\` says where it does otherwise, and ends with 1 then. Run it before
# a changed policy goes anywhere. expect: kept, and where it matters rule, level, did (what was done where) and event (what stands at a
# pointer afterwards; * at the end of a text is any rest). See docs/operating/policy.md.

- name: what is inside a Kubernetes Secret stays out of the log
  writer: spiffe://${trustDomain}/writer/cluster
  adapter: kubernetes
  event:
    source: k8s://cluster
    action: k8s.secrets.create
    outcome: success
    actor: { type: user, id: alice }
    targets: [{ type: secrets, id: pay/database }]
    data:
      kubernetes:
        kind: Event
        verb: create
        requestObject: { kind: Secret, data: { password: bm90IHRoaXMgb25l } }
  expect:
    kept: true
    rule: kubernetes
    level: metadata
    did: [cut /data/kubernetes/requestObject]
    event: { /data/kubernetes/verb: create }

- name: a password that an application wrote by mistake is hashed
  writer: spiffe://${trustDomain}/writer/app
  event:
    source: app://app
    action: user.updated
    outcome: success
    actor: { type: user, id: alice }
    targets: [{ type: user, id: bob }]
    data: { password: correct horse battery staple, language: de }
  expect:
    kept: true
    rule: applications
    level: full
    event: { /data/password: "h1:*", /data/language: de }
`
}
