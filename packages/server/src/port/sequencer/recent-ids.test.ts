import { concatBytes, encodeUtf8 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { RecentIds, type Span } from "./index.ts"
import { memory } from "./placing.test.support.ts"

const secret = new Uint8Array(16).fill(9)
const windowMin = 262_144

const { core, body } = memory

/** Puts them where they are looked at, one behind the other. */
function put(...texts: readonly Uint8Array[]): Span[] {
  core.memory.set(concatBytes(...texts), body)
  let at = body
  return texts.map(({ length }) => {
    at += length
    return { at: at - length, end: at }
  })
}

function meet(ids: RecentIds, writer: string, id: string, content: string, index: number) {
  const [idSpan, contentSpan] = put(encodeUtf8(id), encodeUtf8(`${id}${content}`)) as [Span, Span]
  return ids.meet(writer, idSpan, contentSpan, index)
}

describe("recent ids", () => {
  test("recognise what the same writer sent before, and say where it stands", () => {
    const few = fc.constantFrom("a", "b", "ab", "", "é")
    const step = fc.record({ writer: few, id: few, content: fc.constantFrom("1", "2") })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ids = new RecentIds(secret, memory)
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
    const ids = new RecentIds(secret, memory)
    const [id, content] = put(new Uint8Array(4), encodeUtf8("the same for all")) as [Span, Span]
    const view = new DataView(core.memory.buffer, core.memory.byteOffset)
    const see = (number: number, index: number) => {
      view.setUint32(id.at, number)
      return ids.meet("w", id, content, index)
    }
    const count = 2 * windowMin + 5
    for (let i = 0; i < count; i++) if (see(i, i) !== undefined) throw new Error(`${i} was not new`)
    for (const back of [1, 2, 1000, windowMin - 1]) {
      expect(see(count - back, 0)).toEqual({ index: count - back, same: true })
    }
    expect(see(0, 77)).toBeUndefined()
    expect(see(0, 78)).toEqual({ index: 77, same: true })
  })

  test("remember nothing that was only looked up, and tell what else may stand as the content", () => {
    const ids = new RecentIds(secret, memory)
    const [id, a, t] = put(...["id", "a", "t"].map(encodeUtf8)) as [Span, Span, Span]
    expect([ids.look("w", id, a).known, ids.look("w", id, a).known]).toEqual([undefined, undefined])
    expect(ids.isContent(ids.look("w", id, a), a)).toBe(false)
    ids.remember(ids.look("w", id, t), 5)
    const other = ids.look("w", id, a)
    expect(other.known).toEqual({ index: 5, same: false })
    expect([t, a].map((content) => ids.isContent(other, content))).toEqual([true, false])
    ids.remember(other, 6)
    expect(ids.look("w", id, a).known).toEqual({ index: 6, same: true })
  })

  test("know the later one of two with one id, also when old ones are dropped", () => {
    const ids = new RecentIds(secret, memory)
    meet(ids, "w", "id", "old", 1)
    meet(ids, "w", "id", "new", 2)
    const [id, content] = put(new Uint8Array(4), encodeUtf8("x")) as [Span, Span]
    const view = new DataView(core.memory.buffer, core.memory.byteOffset)
    for (let i = 0; i < windowMin - 2 + 1; i++) {
      view.setUint32(id.at, i)
      ids.meet("other", id, content, i)
    }
    expect(meet(ids, "w", "id", "new", 3)).toEqual({ index: 2, same: true })
  })
})
