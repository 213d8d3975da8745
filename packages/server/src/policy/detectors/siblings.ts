/**
 * What the texts before this one in the same event said about it: `{"name":"DB_PASSWORD","value":"…"}`,
 * `["--token","…"]`, `[["Authorization","…"]]`, OTLP's attributes, the `resource` of a Kubernetes item. Only what stands
 * before its value is known.
 */
import { Attributes, contentKeys } from "./attributes.ts"
import { optionNameOf } from "./key-values.ts"
import { type SecretName, secretNameOf } from "./secret-names.ts"

/** What a key says about the texts beside its own, or about its own: the name of what is beside it, or the value of that. */
const roles = new Map<string, "name" | "value" | "content" | "resource">([
  ...["name", "key", "field", "path", "header", "option", "attribute", "property"].map(naming),
  ...["Name", "Key", "Field", "Path", "Header"].map(naming),
  ...["value", "values", "old", "new", "from", "to", "before", "after", "current"].map(valued),
  ...["previous", "val", "plain", "raw", "text", "content", "oldValue", "newValue"].map(valued),
  ...["Value", "Old", "New", "From", "To"].map(valued),
  ...contentKeys.map((key) => [key, "content"] as const),
  ["resource", "resource"],
])

function naming(key: string): [string, "name"] {
  return [key, "name"]
}

function valued(key: string): [string, "value"] {
  return [key, "value"]
}

/** A path that ends in it holds names and values in turn. */
const flatHeaders = /headers$/i

interface Said {
  readonly judged: SecretName
  readonly place: string
  /** True in an array: only the very next text is meant. */
  readonly isNext: boolean
}

export class Siblings {
  #said: Said | undefined
  readonly #attributes = new Attributes()
  /** What kind of object a Kubernetes item is about. */
  resource: string | undefined

  begin(): void {
    this.#said = undefined
    this.#attributes.begin()
    this.resource = undefined
  }

  /** The name under which a text is a secret: its key, its array's, its object's, or what was said before. */
  nameOf(text: string, key: string | undefined, path: readonly string[]): SecretName | undefined {
    const said = this.#said
    const holder = path.at(-1) ?? ""
    const byKey = secretNameOf(key ?? holder)
    if (byKey !== undefined) return byKey
    if (said?.isNext === true) {
      this.#said = undefined
      if (key === undefined && said.place === placeOf(path)) return said.judged
    }
    if (key === undefined) {
      this.#listen(text, path)
      return undefined
    }
    const role = roles.get(key)
    if (role === undefined) return undefined
    if (role === "value") return this.#valued(path)
    if (role === "content") return this.#attributes.nameAt(path)
    if (role === "name") this.#named(text, key, path)
    else if (holder === "objectRef") this.resource = text
    return undefined
  }

  #named(text: string, key: string, path: readonly string[]): void {
    const judged = secretNameOf(text)
    this.#note(judged, path, false)
    if (key === "key") this.#attributes.note(judged, path, roles.get(text) === "value")
  }

  #valued(path: readonly string[]): SecretName | undefined {
    const said = this.#said
    if (said !== undefined && said.place === placeOf(path)) return said.judged
    return secretNameOf(path.at(-1) ?? "")
  }

  #listen(text: string, path: readonly string[]): void {
    const option = optionNameOf(text)
    if (option !== undefined) this.#note(option, path, true)
    else if (flatHeaders.test(path.at(-1) ?? "") || isPair(path))
      this.#note(headerOf(text), path, true)
  }

  #note(judged: SecretName | undefined, path: readonly string[], isNext: boolean): void {
    this.#said = judged === undefined ? undefined : { judged, place: placeOf(path), isNext }
  }
}

/** An array in an array. */
function isPair(path: readonly string[]): boolean {
  const [outer, inner] = [path.at(-2), path.at(-1)]
  return outer !== undefined && inner !== undefined && /^\d+$/.test(inner)
}

function headerOf(text: string): SecretName | undefined {
  return /^[A-Za-z][A-Za-z0-9_-]{1,63}$/.test(text) ? secretNameOf(text) : undefined
}

function placeOf(path: readonly string[]): string {
  return path.join("\0")
}
