import { anyDepth, anyOne, type Pointer, type PointerStep } from "../rules/index.ts"
import { rawName } from "./event-text.ts"

/** No act is wanted at a place. Above every number of one. */
export const noAct = Number.POSITIVE_INFINITY

/** More sets of half-matched pointers than this are forgotten: a hostile event could make ever new ones. */
const placesMax = 4_096
/** A pointer and how many of its steps are matched, as one number. */
const stepsMax = 64

/** All that pointers have to say about one place in an event, and about what is inside it. */
export interface Place {
  /** The lowest number of a wanted pointer that names this place, or noAct. */
  readonly act: number
  /** A passed-over pointer names it. */
  readonly isQuiet: boolean
  /** No pointer names anything inside. */
  readonly isDead: boolean
  readonly matched: readonly number[]
  /** Names inside that make a difference, each with its place once that is known. */
  readonly named: Map<string, Place | undefined>
  /** Bit n: a name of n characters (modulo 32) is among them. */
  readonly lengths: number
  /** The place of every other name. */
  other: Place | undefined
}

/** Inside a place that no pointer leads further from. */
export const nowhere: Place = {
  ...{ act: noAct, isQuiet: false, isDead: true, matched: [], named: new Map() },
  ...{ lengths: 0, other: undefined },
}

/**
 * Pointers as an automaton that walks down an event beside the reader: places are sets of half-matched pointers, made when they are
 * first reached. A step costs one look-up of a name, and nothing at all where no pointer is left.
 */
export class Paths {
  readonly #pointers: readonly (readonly PointerStep[])[]
  readonly #wanted: number
  readonly #places = new Map<string, Place>()
  #root: Place

  /** @param wanted are numbered in their order; of `quiet` is only said that they match */
  constructor(wanted: readonly Pointer[], quiet: readonly Pointer[]) {
    this.#pointers = [...wanted, ...quiet].map((pointer) =>
      pointer.map((step) => (typeof step === "string" ? rawName(step) : step)),
    )
    this.#wanted = wanted.length
    this.#root = this.#makeRoot()
  }

  /** The place of an event as a whole. Of before the last call no place must be left in use. */
  root(): Place {
    if (this.#places.size > placesMax) {
      this.#places.clear()
      this.#root = this.#makeRoot()
    }
    return this.#root
  }

  #makeRoot(): Place {
    return this.#placeOf(this.#pointers.map((_, number) => number * stepsMax))
  }

  /** @param name as rawName() writes it */
  enter(place: Place, name: string): Place {
    if (place.isDead) return nowhere
    if (((place.lengths >>> (name.length & 31)) & 1) !== 0) {
      const known = place.named.get(name)
      if (known !== undefined) return known
      if (place.named.has(name)) {
        const entered = this.#after(place, name)
        place.named.set(name, entered)
        return entered
      }
    }
    place.other ??= this.#after(place, undefined)
    return place.other
  }

  /** @param name undefined: one that no pointer names */
  #after(place: Place, name: string | undefined): Place {
    const matched = new Set<number>()
    for (const one of place.matched) {
      const pointer = this.#pointers[Math.floor(one / stepsMax)] as readonly PointerStep[]
      const step = pointer[one % stepsMax]
      if (step === anyDepth) {
        matched.add(one)
        if (name !== undefined && pointer[(one % stepsMax) + 1] === name) matched.add(one + 2)
      } else if (step === anyOne || (name !== undefined && step === name)) matched.add(one + 1)
    }
    return this.#placeOf([...matched].sort((a, b) => a - b))
  }

  #placeOf(matched: readonly number[]): Place {
    const key = matched.join()
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const place = this.#makePlace(matched)
    this.#places.set(key, place)
    return place
  }

  #makePlace(matched: readonly number[]): Place {
    let act = noAct
    let isQuiet = false
    let lengths = 0
    const left: number[] = []
    const named = new Map<string, undefined>()
    for (const one of matched) {
      const number = Math.floor(one / stepsMax)
      const pointer = this.#pointers[number] as readonly PointerStep[]
      const at = one % stepsMax
      if (at < pointer.length) {
        left.push(one)
        const step = pointer[at] === anyDepth ? pointer[at + 1] : pointer[at]
        if (typeof step !== "string") continue
        named.set(step, undefined)
        lengths |= 1 << (step.length & 31)
      } else if (number < this.#wanted) act = Math.min(act, number)
      else isQuiet = true
    }
    return {
      act,
      isQuiet,
      isDead: left.length === 0,
      matched: left,
      named,
      lengths,
      other: undefined,
    }
  }
}
