/** Stands in a pointer for any one member or element. No name can equal it. */
export const anyOne: unique symbol = Symbol("*")
/** Stands in a pointer for any number of levels, also none, before the name that follows. */
export const anyDepth: unique symbol = Symbol("**")

/** A string is a name as the characters that it means, in an array the element's number from 0 in decimal digits. */
export type PointerStep = string | typeof anyOne | typeof anyDepth
export type Pointer = readonly PointerStep[]

/** The members of an event that a pointer may begin with. */
export const pointerRoots = [
  ...["actor", "targets", "reason", "origin", "request", "response", "trace", "labels", "data"],
  ...["onBehalfOf", "changes", "subjects"],
] as const

export const pointerBounds = {
  characters: 1_024,
  steps: 32,
  /** `*` behind a `**`: each one doubles the places that an event can make of the pointer. */
  loose: 2,
  /** Pointers with `**` in one list: each level of an event may be the beginning of each. */
  deep: 16,
} as const

/** A pointer as docs/spec/policy.md has it, or what is wrong with the text. */
export function parsePointer(text: string): Pointer | { readonly wrong: string } {
  if (text.length > pointerBounds.characters)
    return { wrong: `is longer than ${pointerBounds.characters} characters` }
  const [before, ...segments] = text.split("/")
  if (before !== "" || segments.length === 0) return { wrong: "must begin with /" }
  if (segments.some((segment) => /~(?![01])/.test(segment)))
    return { wrong: "has a ~ that is neither ~0 (for ~) nor ~1 (for /)" }
  const pointer = segments.map(readStep)
  const wrong = wrongOf(pointer)
  return wrong === undefined ? pointer : { wrong }
}

function readStep(segment: string): PointerStep {
  if (segment === "*") return anyOne
  if (segment === "**") return anyDepth
  return segment.replaceAll("~1", "/").replaceAll("~0", "~")
}

function wrongOf(pointer: Pointer): string | undefined {
  const [root] = pointer
  if (!pointerRoots.some((name) => name === root))
    return `must begin with one of /${pointerRoots.join(" /")}: all else is always kept`
  if (pointer.length > pointerBounds.steps) return `is deeper than ${pointerBounds.steps} levels`
  if (pointer.length === 1)
    return `must name something inside, such as /${String(root)}/name: ${String(root)} itself stays`
  if (pointer.at(-1) === anyDepth) return "must not end with **: write the name that comes after it"
  const isLoose = pointer.some(
    (step, at) => step === anyDepth && typeof pointer[at + 1] !== "string",
  )
  if (isLoose) return "must have a name right after **"
  const { loose } = pointerBounds
  return looseSteps(pointer) > loose ? `has more than ${loose} * behind a **` : undefined
}

function looseSteps(pointer: Pointer): number {
  const from = pointer.indexOf(anyDepth)
  return from < 0 ? 0 : pointer.slice(from).filter((step) => step === anyOne).length
}

/** What is wrong with pointers that are looked for together; undefined if nothing is. */
export function tooManyDeep(pointers: readonly Pointer[]): string | undefined {
  const deep = pointers.filter((pointer) => pointer.includes(anyDepth)).length
  return deep > pointerBounds.deep
    ? `has ${deep} pointers with **, at most ${pointerBounds.deep}: name the places`
    : undefined
}

/** The text that parsePointer() reads; also of a place in an event, which has no wildcards. */
export function formatPointer(pointer: Pointer): string {
  return pointer.map((step) => `/${formatStep(step)}`).join("")
}

function formatStep(step: PointerStep): string {
  if (step === anyOne) return "*"
  if (step === anyDepth) return "**"
  return step.replaceAll("~", "~0").replaceAll("/", "~1")
}

/**
 * Whether every place that `inner` can name is one that `outer` names, or inside one. True only where that is certain from
 * the two texts alone. Linear but for the last `**`, to which alone it goes back.
 */
export function coversPointer(outer: Pointer, inner: Pointer): boolean {
  let at = 0
  let from = 0
  let depthAt = -1
  let depthFrom = 0
  while (at < outer.length) {
    if (outer[at] === anyDepth) {
      depthAt = at
      depthFrom = from
      at += 1
    } else if (coversStep(outer, at, inner[from])) {
      at += 1
      from += 1
    } else if (depthAt >= 0 && depthFrom < inner.length) {
      depthFrom += 1
      from = depthFrom
      at = depthAt + 1
    } else return false
  }
  return true
}

/** Whatever a `**` of the inner one stands for, a name follows it: a last `*` of the outer one takes the first level of that. */
function coversStep(outer: Pointer, at: number, other: PointerStep | undefined): boolean {
  const step = outer[at]
  if (other === undefined) return false
  if (other === anyDepth) return step === anyOne && at === outer.length - 1
  return step === anyOne || step === other
}
