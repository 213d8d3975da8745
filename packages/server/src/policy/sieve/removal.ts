import type { Member } from "./act.ts"
import type { Edit } from "./edits.ts"
import type { EventText } from "./event-text.ts"

const comma = 0x2c

/** Takes members out of objects, each with the comma that has nothing to part any more. In the order of their places. */
export class Removals {
  readonly #text: EventText
  /** By where the object begins: how many of its members are gone. */
  readonly #gone = new Map<number, number>()

  constructor(text: EventText) {
    this.#text = text
  }

  remove(member: Member, valueTo: number): Edit {
    const gone = this.#gone.get(member.holder) ?? 0
    this.#gone.set(member.holder, gone + 1)
    // Something before it stays, and with it what parts the two from each other.
    if (member.ordinal > gone) return { from: member.comma, to: valueTo, text: "" }
    const behind = this.#text.skipSpace(valueTo)
    const isLast = this.#text.raw.charCodeAt(behind) !== comma
    const to = isLast ? valueTo : this.#text.skipSpace(behind + 1)
    return { from: member.nameFrom, to, text: "" }
  }
}
