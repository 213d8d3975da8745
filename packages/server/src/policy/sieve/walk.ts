import { assert, limits } from "@postern/log/base"
import type { Detectors, Hit, ValueKind } from "../detectors/index.ts"
import { type Act, changesText, type Member, type Plan, type Step } from "./act.ts"
import { EventText } from "./event-text.ts"
import { dataName, originalName, type RecordText, recordIn } from "./original-bytes.ts"
import { noAct, nowhere, type Paths, type Place } from "./paths.ts"
import { formatName, placeMax, shortened } from "./place-text.ts"
import { beginningOf, textBytesMax, wholeOf } from "./scanned.ts"

const comma = 0x2c
const bracketClose = 0x5d
const braceClose = 0x7d

/** What is looked for in an event. */
export interface Course {
  /** What the paths' numbers mean. */
  readonly steps: readonly Step[]
  readonly paths: Paths
  /** The policy says `keep` of the record that an event was made of. */
  readonly keepsOriginal: boolean
  readonly detectors: Detectors | undefined
  /** Texts that are too long to be looked at whole are marked. */
  readonly marksUnscanned: boolean
  /** Members of the event that are looked into; those in `sealed` leave with what is left in them. */
  readonly roots: ReadonlySet<string>
  readonly sealed: ReadonlySet<string>
}

/** The mark of a text of which only the beginning was looked at. */
export const unscanned = "unscanned"

const noHits: readonly Hit[] = []
const noDetails = { step: -1, isHidden: false, hits: noHits }

/** One object or array that the walk is in. */
class Frame {
  isObject = true
  from = 0
  place: Place | undefined
  /** Acts from this number on are passed over: a `keep` of this number is around. */
  keptFrom = noAct
  isQuiet = false
  /** Number of the present member or element. */
  ordinal = 0
  comma = -1
  nameFrom = 0
  nameTo = 0
  /** The characters of the present name, once somebody asked. */
  name: string | undefined
  /** An act for this value once its end is known; what was found inside begins at `mark`. */
  pending: "truncate" | "sealed" | undefined
  step = -1
  mark = 0
}

/** A value beside the log was looked at by itself, and stands deeper in its event. */
const levelsMax = limits.eventDepthMax + 8
/** More acts than this a large event has not: each takes some hundred bytes. */
const actsMax = 131_072

const noText = new EventText(new Uint8Array(0))

/**
 * Goes through events and says what is to be done with each. Iterative; as deep as an event may be. Changes nothing. Its memory is
 * the same for all events: to make it anew would take longer than most of them.
 */
export class Walk {
  readonly #course: Course
  readonly #frames = Array.from({ length: levelsMax }, () => new Frame())
  #text = noText
  #depth = 0
  #acts: Act[] = []
  #detected = new Set<string>()
  /** Names and numbers of what the walk is in, as texts, for detectors. */
  readonly #trail: string[] = []

  constructor(course: Course) {
    this.#course = course
  }

  plan(text: EventText): Plan {
    this.#goOn(this.#begin(text), Number.POSITIVE_INFINITY)
    return this.#end()
  }

  /** As plan(), a piece of the text a step. Undefined if there is too much to be done with it. */
  *planSlowly(text: EventText, pieceBytes: number): Generator<void, Plan | undefined> {
    let at = this.#begin(text)
    while (this.#depth >= 0) {
      at = this.#goOn(at, at + pieceBytes)
      if (this.#acts.length > actsMax) return undefined
      this.#course.detectors?.goOn()
      yield
    }
    return this.#end()
  }

  /** Returns where the first member begins. */
  #begin(text: EventText): number {
    this.#text = text
    this.#depth = 0
    this.#acts = []
    this.#detected = new Set()
    this.#trail.length = 0
    const start = text.skipSpace(0)
    assert(text.isObject(start), "an event is an object")
    this.#course.detectors?.begin()
    const place = this.#course.paths.root()
    this.#open(this.#frames[0] as Frame, start, place, noAct, false)
    return start + 1
  }

  /** Goes on at a token up to `until`; returns where it stopped, which is the end if #depth is below 0. */
  #goOn(from: number, until: number): number {
    const text = this.#text
    let at = from
    while (this.#depth >= 0 && at < until) {
      at = text.skipSpace(at)
      const frame = this.#frames[this.#depth] as Frame
      const code = text.raw.charCodeAt(at)
      if (code === comma) {
        frame.comma = at
        frame.ordinal += 1
        at += 1
      } else if (code === braceClose || code === bracketClose) {
        at += 1
        this.#close(frame, at)
      } else at = frame.isObject ? this.#member(frame, at) : this.#element(frame, at)
    }
    return at
  }

  #end(): Plan {
    this.#text = noText
    return { acts: this.#acts, detected: [...this.#detected] }
  }

  #open(frame: Frame, from: number, place: Place, keptFrom: number, isQuiet: boolean): void {
    frame.isObject = this.#text.isObject(from)
    frame.from = from
    frame.place = place
    frame.keptFrom = keptFrom
    frame.isQuiet = isQuiet
    frame.ordinal = 0
    frame.comma = -1
    frame.pending = undefined
  }

  #close(frame: Frame, to: number): void {
    this.#depth -= 1
    this.#trail.pop()
    if (frame.pending === undefined) return
    const holder = this.#frames[this.#depth] as Frame
    if (frame.pending === "sealed") {
      this.#record(holder, "sealed", frame.from, to, noDetails)
      return
    }
    const inside = this.#acts.splice(frame.mark)
    const isHidden = inside.some((act) => act.what !== "detected" || changesText(act.hits))
    this.#record(holder, "truncate", frame.from, to, { step: frame.step, isHidden, hits: noHits })
  }

  #member(frame: Frame, at: number): number {
    const text = this.#text
    frame.nameFrom = at
    frame.nameTo = text.endOfString(at)
    const from = text.valueAfter(frame.nameTo)
    const place = frame.place as Place
    frame.name = undefined
    const { roots, paths } = this.#course
    if (place.isDead && this.#depth > 0) return this.#value(frame, nowhere, from, frame.isQuiet)
    const name = text.rawNameOf(at, frame.nameTo)
    if (text.isPlain(at, frame.nameTo)) frame.name = name
    if (this.#depth === 0 && !roots.has(name)) return text.endOfValue(from)
    return this.#value(frame, paths.enter(place, name), from, frame.isQuiet)
  }

  #element(frame: Frame, at: number): number {
    const place = frame.place as Place
    const inside = place.isDead ? nowhere : this.#course.paths.enter(place, String(frame.ordinal))
    return this.#value(frame, inside, at, frame.isQuiet)
  }

  /** The value at `from`, which stands in `frame`. Returns behind it, or behind its opening bracket. */
  #value(frame: Frame, place: Place, from: number, isInQuiet: boolean): number {
    let { keptFrom } = frame
    let isQuiet = isInQuiet || place.isQuiet
    if (place.act < keptFrom) {
      const step = this.#course.steps[place.act] as Step
      if (step.do === "keep") {
        keptFrom = place.act
        isQuiet = true
      } else if (step.do === "truncate") {
        const to = this.#text.endOfValue(from)
        if (this.#isLonger(from, to, step.bytes)) {
          return this.#truncate(frame, place, from, to, keptFrom, isQuiet)
        }
      } else {
        const to = this.#text.endOfValue(from)
        const details = { step: place.act, isHidden: false, hits: noHits }
        this.#record(frame, step.do, from, to, details)
        return to
      }
    }
    return this.#enter(frame, place, from, keptFrom, isQuiet)
  }

  #enter(frame: Frame, place: Place, from: number, keptFrom: number, isQuiet: boolean): number {
    const text = this.#text
    const isLookedAt = !isQuiet && this.#course.detectors !== undefined
    const isSealed = this.#depth === 0 && this.#isSealed(frame)
    if (!text.isContainer(from) || (place.isDead && !isLookedAt && !isSealed)) {
      const to = text.endOfValue(from)
      if (isLookedAt && !text.isContainer(from)) this.#look(frame, from, to)
      return to
    }
    this.#descend(frame, place, from, keptFrom, isQuiet)
    if (isSealed) (this.#frames[this.#depth] as Frame).pending = "sealed"
    return from + 1
  }

  #isSealed(frame: Frame): boolean {
    const { sealed } = this.#course
    return sealed.size > 0 && sealed.has(this.#text.rawNameOf(frame.nameFrom, frame.nameTo))
  }

  #descend(frame: Frame, place: Place, from: number, keptFrom: number, isQuiet: boolean): void {
    if (this.#course.detectors !== undefined) {
      this.#trail.push(this.#nameIn(frame) ?? String(frame.ordinal))
    }
    this.#depth += 1
    const inside = this.#frames[this.#depth]
    assert(inside !== undefined, "an event is no deeper than the scanner takes")
    this.#open(inside, from, place, keptFrom, isQuiet)
  }

  #isLonger(from: number, to: number, bytesMax: number): boolean {
    const text = this.#text
    if (text.isContainer(from)) return to - from > bytesMax
    return text.isText(from) && text.utf8Of(from, to).length > bytesMax
  }

  #truncate(
    frame: Frame,
    place: Place,
    from: number,
    to: number,
    keptFrom: number,
    isQuiet: boolean,
  ): number {
    const mark = this.#acts.length
    const step = place.act
    if (this.#text.isContainer(from)) {
      this.#descend(frame, place, from, keptFrom, isQuiet)
      const inside = this.#frames[this.#depth] as Frame
      inside.pending = "truncate"
      inside.step = step
      inside.mark = mark
      return from + 1
    }
    if (!isQuiet && this.#course.detectors !== undefined) this.#look(frame, from, to)
    const isHidden = this.#acts.splice(mark).some((act) => changesText(act.hits))
    this.#record(frame, "truncate", from, to, { step, isHidden, hits: noHits })
    return to
  }

  /** What detectors say of the text, number or word [from, to). */
  #look(frame: Frame, from: number, to: number): void {
    const { detectors, marksUnscanned } = this.#course
    const text = this.#text
    let isLong = to - from - 2 > textBytesMax
    const looked = isLong ? beginningOf(text, from, to) : wholeOf(text, from, to)
    const kind = kindOf(text, from)
    let hits = detectors?.look(looked, this.#nameIn(frame), this.#trail, kind) ?? noHits
    const record = this.#isOriginal(frame) ? recordIn(text, from, to) : undefined
    if (record !== undefined) {
      hits = [...hits, ...this.#lookInto(record, looked.length)]
      isLong = record.isLong && !changesText(hits)
    }
    for (const hit of hits) this.#detected.add(hit.name)
    const isMarked = isLong && marksUnscanned
    if (isMarked) this.#detected.add(unscanned)
    if (hits.length > 0 || isMarked) {
      this.#record(frame, "detected", from, to, { ...noDetails, hits })
    }
  }

  /** Whether the present member is the one that holds the record an event was made of. */
  #isOriginal(frame: Frame): boolean {
    if (this.#depth !== 1 || !frame.isObject || this.#nameIn(frame) !== originalName) return false
    return this.#nameIn(this.#frames[0] as Frame) === dataName
  }

  /** What is found in a record is a hit of the whole text that holds it: no part of that says what stands where. */
  #lookInto({ text, kind }: RecordText, length: number): Hit[] {
    const hits = this.#course.detectors?.look(text, originalName, this.#trail, kind) ?? noHits
    return hits.map((hit) => {
      const doing = hit.do === "truncate" ? "hmac" : hit.do
      return { name: hit.name, do: doing, from: 0, to: length, whole: true }
    })
  }

  #nameIn(frame: Frame): string | undefined {
    if (!frame.isObject) return undefined
    frame.name ??= this.#text.textOf(frame.nameFrom, frame.nameTo)
    return frame.name
  }

  #record(
    frame: Frame,
    what: Act["what"],
    from: number,
    to: number,
    details: Pick<Act, "step" | "isHidden" | "hits">,
  ): void {
    const member: Member | undefined = frame.isObject
      ? {
          holder: frame.from,
          ordinal: frame.ordinal,
          nameFrom: frame.nameFrom,
          nameTo: frame.nameTo,
          comma: frame.comma,
        }
      : undefined
    const { step, isHidden, hits } = details
    const at =
      this.#course.steps[step]?.place ?? this.#placeOf(frame, this.#isSecretName(what, step))
    this.#acts.push({ what, from, to, at, member, step, isHidden, hits })
  }

  /** A name that the policy does not say itself leaves the event with a personal value: it can be one of a person. */
  #isSecretName(what: Act["what"], step: number): boolean {
    return what === "personal" && typeof this.#course.steps[step]?.at.at(-1) !== "string"
  }

  /** @param hidesLast the last name leaves the event: `*` stands for it */
  #placeOf(frame: Frame, hidesLast: boolean): string {
    let place = ""
    for (const one of this.#frames) {
      const isLast = one === frame
      const name = isLast && hidesLast ? "*" : (this.#nameIn(one) ?? String(one.ordinal))
      place += formatName(name)
      if (isLast || place.length > placeMax) break
    }
    return shortened(place)
  }
}

const digitNine = 0x39

function kindOf(text: EventText, from: number): ValueKind {
  if (text.isText(from)) return "string"
  // A number begins with a digit or a minus, a word with a letter.
  return text.raw.charCodeAt(from) <= digitNine ? "number" : "other"
}
