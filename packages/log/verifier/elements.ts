/**
 * Everything that an evidence file says goes into the page as text, through these functions: there is no other way in.
 */

/** The element of the page with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no element ${id}`)
  return found as T
}

/** A new element; strings become visible text and are never read as markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...content.map((part) => (typeof part === "string" ? visible(part) : part)))
  return made
}

/** Puts this in the place of what the element held. */
export function fill(id: string, ...content: readonly (Node | string)[]): void {
  byId(id).replaceChildren(...content)
}

/** Puts this text in the place of what the element held. */
export function say(id: string, text: string): void {
  byId(id).textContent = visible(text)
}

/** Characters that reorder or hide text would let one thing look like another: they are shown by their number. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\n") return character
    return `\u27e8U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}\u27e9`
  })
}
