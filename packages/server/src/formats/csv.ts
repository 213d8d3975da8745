const quote = 0x22
const comma = 0x2c

/** Follows CSV (RFC 4180) through pieces of one text, to know when a record in it is whole. */
export class CsvProgress {
  #isQuoted = false
  #commas = 0

  add(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at)
      if (unit === quote) this.#isQuoted = !this.#isQuoted
      else if (unit === comma && !this.#isQuoted) this.#commas++
    }
  }

  get isQuoted(): boolean {
    return this.#isQuoted
  }

  /** Fields so far, the one that has been begun included. */
  get fields(): number {
    return this.#commas + 1
  }
}

/** At most `max` fields of one record, unquoted. What cannot be CSV is read as it stands. */
export function csvFields(text: string, max: number): string[] {
  const fields: string[] = []
  for (let at = 0; fields.length < max; ) {
    const { value, end } = text[at] === '"' ? quotedField(text, at) : plainField(text, at)
    fields.push(value)
    if (end >= text.length) break
    at = end + 1
  }
  return fields
}

function plainField(text: string, at: number): { value: string; end: number } {
  const next = text.indexOf(",", at)
  const end = next < 0 ? text.length : next
  return { value: text.slice(at, end), end }
}

function quotedField(text: string, at: number): { value: string; end: number } {
  let end = at + 1
  for (;;) {
    end = text.indexOf('"', end)
    if (end < 0) return { value: unquote(text.slice(at + 1)), end: text.length }
    if (text[end + 1] !== '"') break
    end += 2
  }
  const next = text.indexOf(",", end)
  return { value: unquote(text.slice(at + 1, end)), end: next < 0 ? text.length : next }
}

function unquote(text: string): string {
  return text.includes('""') ? text.replaceAll('""', '"') : text
}
