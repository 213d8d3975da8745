import { limits } from "@postern/log/base"
import { type Detectors, openDetectors } from "../detectors/index.ts"
import type { Adapter, Decision, Policy } from "../rules/index.ts"
import { isByRule, type Plan } from "./act.ts"
import { type CarriedOut, carryOut, pieceBytes } from "./carrying-out.ts"
import { makeCourse, marksUnscanned } from "./course.ts"
import { type Edit, splice } from "./edits.ts"
import { digestsEdit, formatMark, ownDigests } from "./entry-mark.ts"
import { EventText } from "./event-text.ts"
import { canDisclose } from "./honesty.ts"
import { Mentions, type Needle, onlyOriginal } from "./needles.ts"
import { isHitIn, withOriginal } from "./original-bytes.ts"
import { textBytesMax } from "./scanned.ts"
import type { SieveWorld } from "./sieve-world.ts"
import { type Beside, type LargeSifted, refusedLarge, type Sifted, unchanged } from "./sifted.ts"
import { type Course, Walk } from "./walk.ts"
import { wholeOf } from "./whole-event.ts"
import { writeLarge } from "./writing-large.ts"

export interface Sieve {
  /** Unless one of them occurs in an event's bytes, sift() changes nothing of it, but for what need(), mentionBytesMax and beyondAscii say. */
  readonly needles: readonly Needle[]
  /** An event of more bytes than this has to be sifted whatever it mentions, unless need() is 0. */
  readonly mentionBytesMax: number
  /** An event with a byte above 0x7f has to be sifted whatever it mentions, unless need() is 0. */
  readonly beyondAscii: boolean
  /** A mask: the groups of needles of which one must occur before sift() changes anything; 0 = it never does. */
  need(decision: Decision, adapter: Adapter): number | "always"
  /**
   * @param event bytes that the scanner took, without a member `_policy`; nothing of them is kept
   * @param mentions the groups of need() that the event mentions; undefined: nobody has looked
   */
  sift(decision: Decision, adapter: Adapter, event: Uint8Array, mentions?: number): Sifted
  /**
   * As sift(), of an event some values of which lie beside the log: all that its `_sd` names. They are sifted as if they stood in it. Megabytes
   * take long, so a step does a piece of the work, and whoever asks does something else in between; at most one is under way.
   */
  siftLarge(
    decision: Decision,
    adapter: Adapter,
    event: Uint8Array,
    beside: Beside,
  ): Generator<void, LargeSifted>
}

export interface SieveSettings {
  /** Classes whose events leave only what cannot be a disclosure in the log (docs/spec/retention.md). */
  readonly shortLived: ReadonlySet<string>
}

export function openSieve(policy: Policy, world: SieveWorld, settings: SieveSettings): Sieve {
  const { detect } = policy
  const detectors = detect && openDetectors(detect)
  const mentions = new Mentions(policy, detectors)
  const courses = new Courses(policy, detectors, settings.shortLived)
  let largeCourses: Courses | undefined
  return {
    needles: mentions.needles,
    mentionBytesMax: marksUnscanned(detect) ? textBytesMax : Number.POSITIVE_INFINITY,
    beyondAscii: detectors?.beyondAscii ?? false,
    need(decision, adapter) {
      if (isKeptWhole(decision)) return 0
      if (settings.shortLived.has(decision.class)) return "always"
      return mentions.of(decision, adapter)
    },
    sift(decision, adapter, event, mentions) {
      if (isKeptWhole(decision)) return unchanged
      const text = new EventText(event)
      const isSimple = mentions === onlyOriginal && detectors !== undefined
      if (isSimple && !isHitIn(text, detectors)) return unchanged
      const { course, walk } = courses.of(decision, adapter)
      const plan = walk.plan(text)
      if (plan.acts.length === 0) return unchanged
      return write(policy, decision, course, text, withOriginal(text, plan, course), world)
    },
    *siftLarge(decision, adapter, event, beside) {
      const { values } = beside
      if (isKeptWhole(decision)) return { ...unchanged, values }
      // Others are sifted in between, and a walk and its detectors remember where they are.
      largeCourses ??= new Courses(policy, detect && openDetectors(detect), settings.shortLived)
      const { course, walk } = largeCourses.of(decision, adapter)
      const whole = wholeOf(event, values)
      if (whole === undefined) return refusedLarge("EVENT_DISCLOSURE")
      const plan = yield* walk.planSlowly(whole.text, pieceBytes)
      if (plan === undefined) return refusedLarge("EVENT_TOO_LARGE")
      if (plan.acts.length === 0) return { ...unchanged, values }
      const acting = withOriginal(whole.text, plan, course)
      return yield* writeLarge({ policy, decision, course, world, whole, plan: acting, beside })
    },
  }
}

/** The log's own entries are kept as they are, and of what is dropped nothing is. */
function isKeptWhole(decision: Decision): boolean {
  return decision.class === "log" || decision.level === "drop"
}

interface Way {
  readonly course: Course
  readonly walk: Walk
}

/** Courses are made when they are first needed. */
class Courses {
  readonly #policy: Policy
  readonly #detectors: Detectors | undefined
  readonly #shortLived: ReadonlySet<string>
  readonly #made = new WeakMap<Decision, Map<Adapter, Way>>()

  constructor(policy: Policy, detectors: Detectors | undefined, shortLived: ReadonlySet<string>) {
    this.#policy = policy
    this.#detectors = detectors
    this.#shortLived = shortLived
  }

  of(decision: Decision, adapter: Adapter): Way {
    let byAdapter = this.#made.get(decision)
    if (byAdapter === undefined) {
      byAdapter = new Map()
      this.#made.set(decision, byAdapter)
    }
    const known = byAdapter.get(adapter)
    if (known !== undefined) return known
    const isShortLived = this.#shortLived.has(decision.class)
    const { detect } = this.#policy
    const course = makeCourse(decision, adapter, detect, this.#detectors, isShortLived)
    const way = { course, walk: new Walk(course) }
    byAdapter.set(adapter, way)
    return way
  }
}

function write(
  policy: Policy,
  decision: Decision,
  course: Course,
  text: EventText,
  plan: Plan,
  world: SieveWorld,
): Sifted {
  const sealed = plan.acts.filter((act) => act.what === "sealed").length
  const own = sealed > 0 ? ownDigests(text) : undefined
  const isNamed = (own?.count ?? 0) + sealed <= limits.disclosuresMax
  if (!isNamed || !canDisclose(text, plan.acts)) {
    return { ...unchanged, refused: "EVENT_DISCLOSURE" }
  }
  const done = carryOut(text, plan, course.steps, world, decision.class)
  if (done === undefined) return { ...unchanged, refused: "EVENT_TOO_LARGE" }
  const { did, keptOut } = done
  const mark = formatMark({
    digest: policy.digest,
    rule: isByRule(plan) ? decision.rule?.name : undefined,
    did,
    detected: plan.detected,
    sealed: keptOut.length,
  })
  const edits = editsOf(text, done, mark, own)
  const raw = splice(text.raw, { from: 0, to: text.raw.length }, edits)
  return {
    bytes: Buffer.from(raw, "latin1"),
    refused: undefined,
    did,
    detected: plan.detected,
    keptOut,
  }
}

function editsOf(
  text: EventText,
  { edits, digests }: CarriedOut,
  mark: string,
  own: ReturnType<typeof ownDigests>,
): readonly Edit[] {
  const at = text.skipSpace(0) + 1
  const first = { from: at, to: at, text: `${mark},` }
  if (digests.length === 0) return [first, ...edits]
  return [first, digestsEdit(text, own, digests), ...edits].sort((a, b) => a.from - b.from)
}
