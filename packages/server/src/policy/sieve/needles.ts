import type { Detectors } from "../detectors/index.ts"
import type { Adapter, Decision, Level, Pointer, Policy, Transform } from "../rules/index.ts"
import { cutsOf } from "./course.ts"
import { originalName } from "./original-bytes.ts"

/** A text of 2 to 32 printable ASCII characters that is looked for in an event's bytes. */
export interface Needle {
  readonly text: string
  readonly anyCase: boolean
  /** 0 to 7: the bit that it sets in what an event mentions. */
  readonly group: number
}

/** Groups of what levels take: by adapter, and the members that `metadata` takes besides. */
const groups = { response: 0, request: 1, item: 2 } as const
/** Pointers of transforms share these. */
const transformGroups = [3, 4, 5] as const
/** Needles of detectors, and the escape that can hide any name. */
const anyGroup = 7

const needleMax = 32
/** What core takes at most. */
const needlesMax = 512
const anyEscape: Needle = { text: "\\u", anyCase: false, group: anyGroup }
/** What detectors find in a record is hidden from needles by its base64. */
const originalGroup = 6
const original: Needle = { text: `"${originalName}"`, anyCase: false, group: originalGroup }
/** An event that mentions only this has nothing in it but, perhaps, a record. */
export const onlyOriginal = 1 << originalGroup

/**
 * What must stand in an event for the sieve to change it, so that events in which none of it stands need not be looked at. Says
 * too often that one must, never too seldom.
 */
export class Mentions {
  readonly needles: readonly Needle[]
  readonly #detectors: Detectors | undefined
  /** By a rule's transforms; those that have found no room are missing. */
  readonly #groupOf = new Map<readonly Transform[], number>()

  constructor(policy: Policy, detectors: Detectors | undefined) {
    this.#detectors = detectors
    const detecting = (detectors?.needles ?? []).filter(({ text }) => text !== anyEscape.text)
    const needles: Needle[] = [
      anyEscape,
      ...detecting.map((needle) => ({ ...needle, group: anyGroup })),
      ...(detecting.length > 0 ? [original] : []),
    ]
    const levels = new Set<Level>([policy.unmatched, ...policy.rules.map(({ level }) => level)])
    if (levels.size > 1 || !levels.has("full")) needles.push(...cutNeedles())
    this.needles = [...needles, ...this.#takeIn(policy, needlesMax - needles.length)]
  }

  #takeIn(policy: Policy, room: number): readonly Needle[] {
    const taken: Needle[] = []
    const groupByTexts = new Map<string, number>()
    for (const { transforms } of policy.rules) {
      const texts = [...new Set(transforms.filter(changes).map(({ at }) => needleOf(at)))].sort()
      const key = texts.join("\n")
      const next = transformGroups[groupByTexts.size % transformGroups.length] as number
      const group = groupByTexts.get(key) ?? next
      const fresh = texts.filter((text) => !taken.some(isOf(text, group)))
      if (taken.length + fresh.length > room) continue
      groupByTexts.set(key, group)
      this.#groupOf.set(transforms, group)
      taken.push(...fresh.map((text) => ({ text, anyCase: false, group })))
    }
    return taken
  }

  /** As Sieve.need() says. */
  of(decision: Decision, adapter: Adapter): number | "always" {
    if (this.#detectors !== undefined && this.#detectors.needles === undefined) return "always"
    let mask = this.#detectors === undefined ? 0 : (1 << anyGroup) | onlyOriginal
    for (const [root, ...inside] of cutsOf(decision.level, adapter)) {
      // The scanner takes no event whose own members' names hold an escape.
      if (inside.length > 0) mask |= (1 << groups.item) | (1 << anyGroup)
      else mask |= 1 << (root === "response" ? groups.response : groups.request)
    }
    if (!decision.transforms.some(changes)) return mask
    const group = this.#groupOf.get(decision.transforms)
    return group === undefined ? "always" : mask | (1 << group) | (1 << anyGroup)
  }
}

function changes(transform: Transform): boolean {
  return transform.do !== "keep"
}

function isOf(text: string, group: number): (needle: Needle) => boolean {
  return (needle) => needle.text === text && needle.group === group
}

function cutNeedles(): Needle[] {
  const own = cutsOf("metadata", "postern").map(([name]) => String(name))
  const inItem = cutsOf("metadata", "kubernetes").map((at) => String(at.at(-1)))
  return [
    ...own.map((name) => ({
      text: `"${name}"`,
      anyCase: false,
      group: name === "response" ? groups.response : groups.request,
    })),
    ...inItem.map((name) => ({ text: `"${name}"`, anyCase: false, group: groups.item })),
  ]
}

/** A piece of JSON that every event holds, unless it has an escape `\u`, in which this pointer names something. */
export function needleOf(pointer: Pointer): string {
  const pieces = pointer
    .slice(1)
    .flatMap((step) => (typeof step === "string" ? piecesOf(step) : []))
  // The first name is one of an event's own members, which have no escapes.
  const found = pieces.length > 0 ? pieces : [`"${String(pointer[0])}"`]
  return found.reduce((best, piece) => (piece.length > best.length ? piece : best))
}

/** What of a name stands in JSON always as it is; a number can be that of an array's element, which stands nowhere. */
function piecesOf(name: string): string[] {
  if (/^(?:0|[1-9]\d*)$/.test(name)) return []
  const pieces = name.split(hidden)
  pieces[0] = `"${pieces[0]}`
  pieces[pieces.length - 1] += '"'
  return pieces.filter((piece) => piece.length > 1).map((piece) => piece.slice(0, needleMax))
}

/** What JSON may write in another way than by `\u`, and what a needle cannot hold. */
const hidden = /["\\/]|[^\x20-\x7e]/
