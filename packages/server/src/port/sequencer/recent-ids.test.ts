import { encodeUtf8 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { RecentIds } from "./index.ts"

const secret = new Uint8Array(16).fill(9)
const windowMin = 262_144

function meet(ids: RecentIds, writer: string, id: string, content: string, index: number) {
  return ids.meet({ writer, id: encodeUtf8(id), content: encodeUtf8(`${id}${content}`) }, index)
}

describe("recent ids", () => {
  test("recognise what the same writer sent before, and say where it stands", () => {
    const few = fc.constantFrom("a", "b", "ab", "", "é")
    const step = fc.record({ writer: few, id: few, content: fc.constantFrom("1", "2") })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ids = new RecentIds(secret)
        const model = new Map<string, { content: string; index: number }>()
        for (const [index, { writer, id, content }] of steps.entries()) {
          const key = JSON.stringify([writer, id])
          const known = model.get(key)
          const wanted = known && { index: known.index, same: known.content === content }
          expect(meet(ids, writer, id, content, index)).toEqual(wanted)
          if (wanted?.same !== true) model.set(key, { content, index })
        }
      }),
    )
  })

  test("remember at least the last 262,144, forget what is much older, and stay quick when full", () => {
    const ids = new RecentIds(secret)
    const content = encodeUtf8("the same for all")
    const bytes = new Uint8Array(4)
    const view = new DataView(bytes.buffer)
    const see = (number: number, index: number) => {
      view.setUint32(0, number)
      return ids.meet({ writer: "w", id: bytes, content }, index)
    }
    const count = 2 * windowMin + 5
    for (let i = 0; i < count; i++) if (see(i, i) !== undefined) throw new Error(`${i} was not new`)
    for (const back of [1, 2, 1000, windowMin - 1]) {
      expect(see(count - back, 0)).toEqual({ index: count - back, same: true })
    }
    expect(see(0, 77)).toBeUndefined()
    expect(see(0, 78)).toEqual({ index: 77, same: true })
  })

  test("know the later one of two with one id, also when old ones are dropped", () => {
    const ids = new RecentIds(secret)
    meet(ids, "w", "id", "old", 1)
    meet(ids, "w", "id", "new", 2)
    const content = encodeUtf8("x")
    const bytes = new Uint8Array(4)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < windowMin - 2 + 1; i++) {
      view.setUint32(0, i)
      ids.meet({ writer: "other", id: bytes, content }, i)
    }
    expect(meet(ids, "w", "id", "new", 3)).toEqual({ index: 2, same: true })
  })
})
