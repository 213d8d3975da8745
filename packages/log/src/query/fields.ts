import { digestsKey, eventKeys } from "../event/index.ts"

/** Fields that are not members of the event: names of parties, and what the entry's place says. */
export const entryFields = ["actor", "target", "writer", "received", "stream", "index"] as const

export type EntryField = (typeof entryFields)[number]

/** Names a field can begin with. */
export const fieldNames: readonly string[] = [
  ...new Set<string>([...Object.keys(eventKeys), ...entryFields, digestsKey]),
].sort()

/** Those whose values are instants, and those whose values are whole numbers of the log. */
const instantFields = new Set(["received", "time"])
const numberFields = new Set(["stream", "index"])
/** Members that the port takes only without escapes, so that they stand in a leaf as they are. */
const plainFields = new Set(["id", "source", "action", "outcome"])
/** Entry fields that a path may go on behind: members of the event with this name, or another. */
const memberOf: Readonly<Record<string, string>> = { actor: "actor", target: "targets" }

export type FieldKind = "instant" | "number" | "plain" | "any"

export function kindOf(path: readonly string[]): FieldKind {
  const [name = ""] = path
  if (path.length > 1) return "any"
  if (instantFields.has(name)) return "instant"
  if (numberFields.has(name)) return "number"
  return plainFields.has(name) ? "plain" : "any"
}

/** `target.name` is said for `targets.name`, as `target` is for the targets' names. */
export function canonicalPath(path: readonly string[]): readonly string[] {
  const [name = "", ...more] = path
  return more.length === 0 ? path : [memberOf[name] ?? name, ...more]
}

/** Whether members can stand below a field of this name. */
export function hasMembers(name: string): boolean {
  if (Object.hasOwn(memberOf, name)) return true
  if (!Object.hasOwn(eventKeys, name)) return false
  return ["object", "array"].includes(eventKeys[name as keyof typeof eventKeys])
}

export function entryFieldOf(path: readonly string[]): EntryField | undefined {
  if (path.length > 1) return undefined
  return entryFields.find((name) => name === path[0])
}
