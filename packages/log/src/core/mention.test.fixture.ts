import { expect } from "vitest"
import { encodeNeedles, type Needle, needlesBytesMax, rowBytes, rowField } from "./index.ts"
import { type Desk, desks } from "./twins.test.fixture.ts"

/** Both cores' mention beside its definition, for the tests of this room. */

/** Bits 0 to 7 of the needles that stand in the event, as api.ts defines them; its five texts are empty. */
export function groupsOf(event: Uint8Array, needles: readonly Needle[]): number {
  let groups = 0
  for (const { text, anyCase, group } of needles) {
    const letters = [...text].map((letter) =>
      anyCase && /[a-zA-Z]/.test(letter)
        ? `[${letter.toLowerCase()}${letter.toUpperCase()}]`
        : `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
    )
    const latin1 = Buffer.from(event).toString("latin1")
    if (new RegExp(letters.join("")).test(latin1)) groups |= 1 << group
  }
  return groups
}

const regions = new WeakMap<readonly Needle[], Uint8Array>()

export const putNeedles = ({ core, needles }: Desk, list: readonly Needle[]): void => {
  const region = regions.get(list) ?? encodeNeedles(list)
  regions.set(list, region)
  core.memory.fill(0xaa, needles, needles + needlesBytesMax)
  core.memory.set(region, needles)
}

/** Puts the events side by side, as in a batch, between the bytes of `around`. */
export function layEvents(desk: Desk, events: readonly Uint8Array[], around: Uint8Array): void {
  const { core, view, text, rows } = desk
  let at = text + 64
  core.memory.fill(0, text, at)
  core.memory.set(around, at - around.length)
  for (const [i, event] of events.entries()) {
    const row = rows + rowBytes * i
    core.memory.fill(0, row, row + rowBytes)
    view.setUint32(row + rowField.offset, at, true)
    view.setUint32(row + rowField.length, event.length, true)
    core.memory.set(event, at)
    at += event.length
  }
  core.memory.fill(0, at, at + 128)
  core.memory.set(around, at)
}

export const mentionsOf = ({ core, rows }: Desk, row: number): number =>
  core.memory[rows + rowBytes * row + rowField.mentions] ?? 0

/** What both cores say of one event. */
export function mentioned(
  event: Uint8Array,
  list: readonly Needle[],
  around: Uint8Array = new Uint8Array(0),
): number {
  const results = desks.map((desk) => {
    putNeedles(desk, list)
    layEvents(desk, [event], around)
    const count = desk.core.mention(desk.rows, 1, desk.needles)
    expect(count).toBe(Number(mentionsOf(desk, 0) !== 0))
    return mentionsOf(desk, 0)
  })
  expect(results[1]).toBe(results[0])
  return results[0] ?? -1
}
