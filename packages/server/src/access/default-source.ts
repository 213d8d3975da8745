import type { WriterGrant } from "./access-list.ts"

/** What a sender means that names no source: the first one of its grant; a prefix is completed by the writer's name. */
export function defaultSource({ id, sources }: Pick<WriterGrant, "id" | "sources">): string {
  const first = sources.texts[0] ?? "*"
  if (!first.endsWith("*")) return first
  const prefix = first === "*" ? "app://" : first.slice(0, -1)
  return `${prefix}${id.split("/").at(-1) ?? ""}`
}
