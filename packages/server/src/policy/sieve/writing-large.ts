import { limits } from "@postern/log/base"
import type { Decision, Policy } from "../rules/index.ts"
import { type Act, isByRule, type Plan } from "./act.ts"
import { carryOutSlowly } from "./carrying-out.ts"
import { type Edit, splice } from "./edits.ts"
import { formatMark } from "./entry-mark.ts"
import type { EventText, Span } from "./event-text.ts"
import { canDisclose } from "./honesty.ts"
import { type FoundMember, membersOf } from "./looking-up.ts"
import type { SieveWorld } from "./sieve-world.ts"
import { type Beside, type LargeSifted, refusedLarge, type ValueBeside } from "./sifted.ts"
import type { Course } from "./walk.ts"
import { editsIn, type PartBeside, type WholeEvent } from "./whole-event.ts"

/** What a large event, and its values together, have at most once they are sifted. */
const bytesMax = limits.disclosureBytesMax + limits.entryBytesMax

interface LargeWork {
  readonly policy: Policy
  readonly decision: Decision
  readonly course: Course
  readonly world: SieveWorld
  readonly whole: WholeEvent
  readonly plan: Plan
  readonly beside: Beside
}

/** Carries out what is to be done with a large event: what is left of it, and of each value beside it. */
export function* writeLarge(work: LargeWork): Generator<void, LargeSifted> {
  const { policy, decision, course, world, whole, beside } = work
  const { text, parts, ownTo } = whole
  const own = ownList(text)
  const plan = own === undefined ? work.plan : withEmptied(work.plan, own, parts)
  const digests = own === undefined ? [] : digestsIn(text, own)
  if (!isFollowed(plan, digests.length) || !canDisclose(text, plan.acts)) {
    return refusedLarge("EVENT_DISCLOSURE")
  }
  const bounds = { world, sealedUnder: decision.class, bytesMax }
  const done = yield* carryOutSlowly(text, plan, course.steps, bounds)
  if (done === undefined) return refusedLarge("EVENT_TOO_LARGE")
  const { did, keptOut, edits } = done
  const kept = new Map<string, ValueBeside>()
  for (const part of parts) {
    yield
    const value = keptOf(text, part, edits, beside)
    if (value !== undefined) kept.set(part.digest, value)
  }
  const values = [...kept.values()]
  if (values.some(({ json }) => json.length > limits.disclosureBytesMax)) {
    return refusedLarge("EVENT_TOO_LARGE")
  }
  const mark = formatMark({
    digest: policy.digest,
    rule: isByRule(plan) ? decision.rule?.name : undefined,
    did,
    detected: plan.detected,
    sealed: keptOut.length,
  })
  const start = text.skipSpace(0) + 1
  const ownEdits: Edit[] = [...editsIn(edits, { from: 0, to: ownTo })]
  const named = [...values.map(({ digest }) => digest), ...done.digests].sort()
  const isSame = named.every((digest) => digests.includes(digest))
  if (own !== undefined && named.length > 0 && !(isSame && named.length === digests.length))
    ownEdits.push({ ...own.value, text: JSON.stringify(named) })
  const all = [{ from: start, to: start, text: `${mark},` }, ...ownEdits]
  all.sort((a, b) => a.from - b.from)
  const tail = text.raw.slice(parts.at(-1)?.value.to ?? ownTo)
  const raw = splice(text.raw, { from: 0, to: ownTo }, all) + tail
  return {
    bytes: Buffer.from(raw, "latin1"),
    refused: undefined,
    ...{ did, keptOut, values, detected: plan.detected },
  }
}

/** The event's list of digests; it stands before the parts. */
function ownList(text: EventText): FoundMember | undefined {
  for (const found of membersOf(text, text.skipSpace(0))) if (found.name === "_sd") return found
  return undefined
}

function digestsIn(text: EventText, { value }: FoundMember): readonly unknown[] {
  const digests: unknown = JSON.parse(text.sourceOf(value.from, value.to))
  return Array.isArray(digests) ? digests : []
}

/** A list whose values all go with what the level takes goes, too. */
function withEmptied(plan: Plan, own: FoundMember, parts: readonly PartBeside[]): Plan {
  const isCut = ({ value }: PartBeside): boolean =>
    plan.acts.some((act) => act.what === "cut" && isAll(act, value))
  const isSealed = plan.acts.some((act) => act.what === "sealed")
  if (isSealed || !parts.every(isCut)) return plan
  const { value, member } = own
  const emptied: Act = { what: "emptied", ...value, at: "", member, ...nothingMore }
  const acts = [...plan.acts, emptied].sort((a, b) => a.from - b.from)
  return { ...plan, acts }
}

const nothingMore = { step: -1, isHidden: false, hits: [] }

function isAll(span: Span, value: Span): boolean {
  return span.from === value.from && span.to === value.to
}

/** Whether a verifier follows all that would be named (docs/spec/disclosures.md). */
function isFollowed({ acts }: Plan, own: number): boolean {
  const sealed = acts.filter((act) => act.what === "sealed").length
  const inside = acts.filter((act) => act.what === "personal").length
  return own + sealed <= limits.disclosuresMax && own + sealed + inside <= limits.entryDigestsMax
}

/** What is left of a value; undefined if it goes as a whole. */
function keptOf(
  text: EventText,
  part: PartBeside,
  edits: readonly Edit[],
  { digestOf }: Beside,
): ValueBeside | undefined {
  const { comma, value, json, inJson, digest } = part
  const inside = editsIn(edits, { from: comma, to: value.to })
  if (inside.some((edit) => edit.from === comma)) return undefined
  if (inside.length === 0) return { digest, json }
  const left = Buffer.from(splice(text.raw, value, inside), "latin1")
  const changed = Buffer.concat([json.subarray(0, inJson.from), left, json.subarray(inJson.to)])
  return { digest: digestOf(changed), json: changed }
}
