/**
 * OTLP's way to write a member, `{"key":"password","value":{"stringValue":"…"}}`, its values in lists, and members inside
 * of values (`kvlistValue`): what a key says of the texts in its value. Only a key that stands before its value is known.
 */
import type { SecretName } from "./secret-names.ts"

/** Where the content of a value stands, as the JSON of protobuf writes it, and as its readers take it as well. */
export const contentKeys: readonly string[] = [
  ...["stringValue", "intValue", "doubleValue", "boolValue", "bytesValue"],
  ...["string_value", "int_value", "double_value", "bool_value", "bytes_value"],
]
const listKeys = new Set(["arrayValue", "array_value"])
const memberKeys = new Set(["kvlistValue", "kvlist_value"])

/** A member of which the key was said. */
interface Said {
  /** Of a key that names no secret undefined: it stands between a text and the names further out. */
  readonly judged: SecretName | undefined
  /** Where its object stands. */
  readonly path: readonly string[]
}

export class Attributes {
  /** Those that are around the one said last, and that one; nothing as long as no key names a secret. */
  #said: Said[] = []

  begin(): void {
    if (this.#said.length > 0) this.#said = []
  }

  /** The object at `path` is a member with this key. @param isMere the key says only which value it is, such as `old` */
  note(judged: SecretName | undefined, path: readonly string[], isMere: boolean): void {
    if (this.#said.length === 0 && judged === undefined) return
    this.#leave(path.length - 1, path)
    const around = isMere ? this.#said.at(-1) : undefined
    const isInside = around !== undefined && membersEnd(path, around.path.length) === path.length
    this.#said.push({ judged: judged ?? (isInside ? around.judged : undefined), path: [...path] })
  }

  /** What the key says of a text whose value is the object at `path`. */
  nameAt(path: readonly string[]): SecretName | undefined {
    if (this.#said.length === 0) return undefined
    this.#leave(path.length, path)
    const said = this.#said.at(-1)
    if (said?.judged === undefined) return undefined
    return valueEnd(path, said.path.length) === path.length ? said.judged : undefined
  }

  /** Forgets what is not around the object at `path`, or is longer than so many steps. */
  #leave(stepsMax: number, path: readonly string[]): void {
    for (let last = this.#said.at(-1); last !== undefined; last = this.#said.at(-1)) {
      if (last.path.length <= stepsMax && last.path.every((step, i) => step === path[i])) return
      this.#said.pop()
    }
  }
}

/** Where, from `at` on, the steps end that lead into a member's value, and into the lists in it. */
function valueEnd(path: readonly string[], at: number): number {
  if (path[at] !== "value") return at
  let end = at + 1
  while (listKeys.has(path[end] ?? "") && path[end + 1] === "values") end += 3
  return end
}

/** The same with one step more into the members of which a value is made. */
function membersEnd(path: readonly string[], at: number): number {
  const end = valueEnd(path, at)
  return memberKeys.has(path[end] ?? "") && path[end + 1] === "values" ? end + 3 : end
}
