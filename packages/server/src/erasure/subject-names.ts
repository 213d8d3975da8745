const typed = /^[A-Za-z][A-Za-z0-9._-]{0,63}:/

/**
 * What a person may be called by in a policy's `subject`, given as TYPE:ID or as the id alone: the text itself first, for an id may well contain a
 * colon.
 */
export function subjectNames(text: string): readonly string[] {
  const id = text.replace(typed, "")
  return id === text || id === "" ? [text] : [text, id]
}
