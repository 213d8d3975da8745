import { type Core, rowBytes, rowField, tableBytes, verdicts } from "../api.ts"

/**
 * A table: u32 bytes used, 8,192 places at 64 (u32 position of a key from the table's start, 0 =
 * free), then the keys one after the other: u32 context, u32 decision, u32 length of each of the
 * three texts, the texts. A key stands at most probesMax places behind the one that its hash names.
 */
const placesAt = 64
const placeCount = 8192
const keysAt = placesAt + 4 * placeCount
const keyTexts = 20
const probesMax = 128

const fields = [rowField.source, rowField.action, rowField.outcome] as const

export function createMemories(memory: Uint8Array): Pick<Core, "recall" | "learn" | "tableBytes"> {
  const view = new DataView(memory.buffer)
  const get = (at: number): number => view.getUint32(at, true)
  const set = (at: number, value: number): void => view.setUint32(at, value, true)

  /** FNV-1a. */
  const hashOf = (row: number, context: number): number => {
    let hash = Math.imul(context ^ 0x811c_9dc5, 0x0100_0193)
    for (const field of fields) {
      const at = get(row + field)
      const end = at + get(row + field + 4)
      for (let i = at; i < end; i++) hash = Math.imul(hash ^ (memory[i] ?? 0), 0x0100_0193)
      hash = Math.imul(hash ^ 0xff, 0x0100_0193)
    }
    return (hash ^ (hash >>> 15)) >>> 0
  }

  const isKeyOf = (key: number, row: number, context: number): boolean => {
    if (get(key) !== context >>> 0) return false
    let at = key + keyTexts
    for (const [i, field] of fields.entries()) {
      const length = get(row + field + 4)
      if (get(key + 8 + 4 * i) !== length) return false
      const from = get(row + field)
      for (let j = 0; j < length; j++) if (memory[from + j] !== memory[at + j]) return false
      at += length
    }
    return true
  }

  /** The key, or the place for it, or neither. */
  const find = (
    row: number,
    context: number,
    table: number,
  ): { readonly key?: number; readonly free?: number } => {
    const hash = hashOf(row, context)
    for (let i = 0; i < probesMax; i++) {
      const place = table + placesAt + 4 * ((hash + i) % placeCount)
      const position = get(place)
      if (position === 0) return { free: place }
      if (isKeyOf(table + position, row, context)) return { key: table + position }
    }
    return {}
  }

  return {
    tableBytes,

    recall(rows, count, context, table) {
      let unknown = 0
      for (let row = rows; row < rows + count * rowBytes; row += rowBytes) {
        if (get(row + rowField.verdict) !== verdicts.accepted) continue
        const { key } = find(row, context, table)
        set(row + rowField.decision, key === undefined ? 0 : get(key + 4))
        if (key === undefined) unknown += 1
      }
      return unknown
    },

    learn(row, context, decision, table) {
      const { key, free } = find(row, context, table)
      if (key !== undefined) {
        set(key + 4, decision)
        return true
      }
      const position = get(table) || keysAt
      const lengths = fields.map((field) => get(row + field + 4))
      const end = position + keyTexts + lengths.reduce((sum, length) => sum + length, 0)
      if (free === undefined || end > tableBytes) return false
      set(table + position, context)
      set(table + position + 4, decision)
      let at = table + position + keyTexts
      for (const [i, field] of fields.entries()) {
        const length = lengths[i] ?? 0
        set(table + position + 8 + 4 * i, length)
        memory.copyWithin(at, get(row + field), get(row + field) + length)
        at += length
      }
      set(table, end)
      set(free, position)
      return true
    },
  }
}
