import { limits } from "@postern/log/base"
import { type Act, changesText, type Member, type Plan, type Step } from "./act.ts"
import { type Edit, splice } from "./edits.ts"
import { type EventText, rawText } from "./event-text.ts"
import { disclosedName } from "./honesty.ts"
import { valueAt } from "./looking-up.ts"
import { Removals } from "./removal.ts"
import type { SieveWorld, Under } from "./sieve-world.ts"
import {
  detectedOf,
  hmacOf,
  macValue,
  redacted,
  subjectAt,
  tokenOf,
  truncatedOf,
} from "./values.ts"

/** A value that left an event, and whose key seals it. */
export interface KeptOut {
  readonly under: Under
  readonly digest: string
  readonly json: Uint8Array
}

/** Something that was done with a value, and where. */
export interface Done {
  readonly what: Act["what"]
  readonly at: string
}

export interface CarriedOut {
  /** What makes of the event what is left of it, in the order of their places. */
  readonly edits: readonly Edit[]
  /** In the order of their places; what was done inside a sealed member names that member alone. */
  readonly did: readonly Done[]
  readonly keptOut: readonly KeptOut[]
  /** Digests of whole members of the event, sorted; no edit brings them in yet. */
  readonly digests: readonly string[]
}

/** Of a large event so much is looked at, and done, in one piece. */
export const pieceBytes = limits.entryBytesMax
/** An act costs as much as so many bytes, whatever it is done with. */
const actBytes = 128

/** The digests of one object, in the edit that brings them in. */
interface Group {
  readonly digests: string[]
  readonly edit: { -readonly [Key in keyof Edit]: Edit[Key] }
  /** What the edit brings besides. */
  readonly before: string
}

/**
 * Carries out a plan for one event. Undefined if the result cannot fit an entry: then nothing more is computed.
 * @param sealedUnder the class by whose key whole members are sealed
 */
export function carryOut(
  text: EventText,
  plan: Plan,
  steps: readonly Step[],
  world: SieveWorld,
  sealedUnder: string,
): CarriedOut | undefined {
  const errand = new Errand(text, steps, world, sealedUnder)
  const least = bytesAtLeast(text, plan)
  for (const act of plan.acts) {
    errand.carryOut(act)
    if (least + errand.added > limits.entryBytesMax) return undefined
  }
  return errand.finish()
}

/** As carryOut(), a piece of the work a step; for a result of at most `bytesMax` bytes. */
export function* carryOutSlowly(
  text: EventText,
  plan: Plan,
  steps: readonly Step[],
  { world, sealedUnder, bytesMax }: { world: SieveWorld; sealedUnder: string; bytesMax: number },
): Generator<void, CarriedOut | undefined> {
  const errand = new Errand(text, steps, world, sealedUnder)
  const least = bytesAtLeast(text, plan)
  let passed = 0
  for (const act of plan.acts) {
    errand.carryOut(act)
    if (least + errand.added > bytesMax) return undefined
    passed += actBytes + act.to - act.from
    if (passed < pieceBytes) continue
    passed = 0
    yield
  }
  return errand.finish()
}

/** What is left without what the acts bring in. */
function bytesAtLeast(text: EventText, { acts }: Plan): number {
  return acts.reduce((least, { from, to }) => least - (to - from), text.raw.length)
}

class Errand {
  /** Bytes that edits have brought in, at least. */
  added = 0
  readonly #text: EventText
  readonly #steps: readonly Step[]
  readonly #world: SieveWorld
  readonly #sealedUnder: string
  #removals: Removals | undefined
  readonly #edits: Edit[] = []
  readonly #did: Done[] = []
  /** Where the values begin that something was done with. */
  readonly #didFrom: number[] = []
  readonly #keptOut: KeptOut[] = []
  readonly #digests: string[] = []
  /** By where the object begins; most events have none, and are faster made without. */
  #groups: Map<number, Group> | undefined
  #subjects: Map<Step, string | undefined> | undefined

  constructor(text: EventText, steps: readonly Step[], world: SieveWorld, sealedUnder: string) {
    this.#text = text
    this.#steps = steps
    this.#world = world
    this.#sealedUnder = sealedUnder
  }

  carryOut(act: Act): void {
    const step = this.#steps[act.step] as Step
    if (act.what === "sealed") this.#seal(act)
    else if (act.what === "personal") this.#personal(act, step)
    else if (act.what === "cut" || act.what === "emptied") this.#cut(act)
    else {
      const text = this.#valueOf(act, step)
      if (text !== undefined) this.#replace(act, text)
    }
  }

  finish(): CarriedOut {
    this.#writeGroups()
    const digests = this.#digests.sort()
    return { edits: this.#edits, did: this.#did, keptOut: this.#keptOut, digests }
  }

  /** What stands there then; undefined if the value stays. */
  #valueOf(act: Act, step: Step): string | undefined {
    const { mac } = this.#world
    const text = this.#text
    switch (act.what) {
      case "redact":
        return redacted
      case "hmac":
        return `"${hmacOf(mac, step.pointer, macValue(text, act))}"`
      case "tokenise":
        return `"${tokenOf(mac, macValue(text, act))}"`
      case "truncate":
        return truncatedOf(mac, step.pointer, text, act, act.isHidden ? 0 : step.bytes)
      default:
        if (!changesText(act.hits)) {
          this.#note(act)
          return undefined
        }
        return detectedOf(mac, text, act, act.hits)
    }
  }

  #replace(act: Act, text: string): void {
    const { from, to } = act
    this.#edits.push({ from, to, text })
    this.added += text.length
    this.#note(act)
  }

  #note({ what, at, from }: Pick<Act, "what" | "at" | "from">): void {
    this.#did.push({ what, at })
    this.#didFrom.push(from)
  }

  #cut(act: Act): void {
    if (act.member === undefined) return
    this.#edits.push(this.#remove(act.member, act.to))
    if (act.what === "cut") this.#note(act)
  }

  #remove(member: Member, valueTo: number): Edit {
    this.#removals ??= new Removals(this.#text)
    return this.#removals.remove(member, valueTo)
  }

  /** Without anybody whose key could seal it, the value is not kept at all. */
  #personal(act: Act, step: Step): void {
    const subject = this.#subjectOf(step)
    if (subject === undefined) {
      this.#replace({ ...act, what: "redact" }, redacted)
      return
    }
    this.#note(act)
    const { from, to, member } = act
    if (member === undefined) {
      const value = this.#text.bytes.subarray(from, to)
      const { digest } = this.#keepOut({ subject }, undefined, value, from)
      this.#edits.push({ from, to, text: `{"...":"${digest}"}` })
      return
    }
    this.#takeMember(act, member, subject)
  }

  /** Takes a member out of its object; the first one that goes leaves its place to the digests. */
  #takeMember({ from, to }: Act, member: Member, subject: string): void {
    const value = this.#text.bytes.subarray(from, to)
    const name = this.#text.textOf(member.nameFrom, member.nameTo)
    const kept = this.#keepOut({ subject }, disclosedName(name), value, from)
    const isId = disclosedName(name) !== name
    const stays = isId ? rawText(JSON.stringify(kept.pseudonym)) : ""
    this.#groups ??= new Map()
    const group = this.#groups.get(member.holder)
    if (group === undefined) {
      const edit = { from: isId ? from : member.nameFrom, to, text: "" }
      this.#edits.push(edit)
      const before = isId ? `${stays},` : ""
      this.#groups.set(member.holder, { digests: [kept.digest], edit, before })
      return
    }
    group.digests.push(kept.digest)
    // The digests stand before it, so there is a comma.
    this.#edits.push({ from: isId ? from : member.comma, to, text: stays })
  }

  #subjectOf(step: Step): string | undefined {
    this.#subjects ??= new Map()
    if (this.#subjects.has(step)) return this.#subjects.get(step)
    const span = valueAt(this.#text, step.subject)
    const subject = span && subjectAt(this.#text, span)
    this.#subjects.set(step, subject)
    return subject
  }

  #keepOut(
    under: Under,
    name: string | undefined,
    value: Uint8Array,
    from: number,
  ): ReturnType<SieveWorld["keepOut"]> {
    const kept = this.#world.keepOut(under, name, value, this.#text.bytes, from)
    this.#keptOut.push({ under, digest: kept.digest, json: kept.json })
    this.added += kept.digest.length
    return kept
  }

  /** What is left of a whole member, with what was done inside it, leaves the event. */
  #seal(act: Act): void {
    const { from, to, member } = act
    if (member === undefined) return
    this.#writeGroups()
    const first = this.#edits.findIndex((edit) => edit.from >= from)
    const inside = first === -1 ? [] : this.#edits.splice(first)
    const value = Buffer.from(splice(this.#text.raw, { from, to }, inside), "latin1")
    const name = this.#text.textOf(member.nameFrom, member.nameTo)
    const { digest } = this.#keepOut({ class: this.#sealedUnder }, name, value, from)
    this.#digests.push(digest)
    this.#edits.push(this.#remove(member, to))
    this.#forgetPlacesIn(act)
    this.#note(act)
  }

  /** The names inside leave with the member: of what was done there each is said once, of the member as a whole. */
  #forgetPlacesIn({ from, at }: Act): void {
    const first = this.#didFrom.findIndex((where) => where >= from)
    if (first === -1) return
    this.#didFrom.splice(first)
    const inside = this.#did.splice(first)
    for (const what of new Set(inside.map((done) => done.what))) this.#note({ what, at, from })
  }

  #writeGroups(): void {
    for (const { digests, edit, before } of this.#groups?.values() ?? []) {
      edit.text = `${before}"_sd":${JSON.stringify(digests.sort())}`
    }
    this.#groups = undefined
  }
}
