/**
 * Where a person is, as the part of the address behind `#`: `/stream?q=outcome%3Adenied&range=24h`. It never reaches the
 * server, so no question stands in anybody's access log but the port's own. Everything that is worth passing on stands in it.
 */
export const pages = [
  "stream",
  "entry",
  "writers",
  "port",
  "access",
  "policy",
  "log",
  "evidence",
  "alerts",
  "start",
] as const

export type PageName = (typeof pages)[number]

export interface Address {
  readonly page: PageName
  /** What stands behind the page: the index of an entry. */
  readonly rest: string
  readonly parameters: URLSearchParams
}

/** Anything that is no page of ours is the stream. */
export function parseAddress(hash: string): Address {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#\/?/, ""), "?")
  const [name = "", rest = ""] = splitOnce(path, "/")
  const page = pages.find((candidate) => candidate === name) ?? "stream"
  return { page, rest, parameters: new URLSearchParams(query) }
}

/** Members that are undefined or empty are left out. */
export function formatAddress(
  page: PageName,
  parameters: Readonly<Record<string, string | undefined>> = {},
  rest = "",
): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") query.set(name, value)
  }
  const text = query.toString()
  return `#/${page}${rest === "" ? "" : `/${rest}`}${text === "" ? "" : `?${text}`}`
}

function splitOnce(text: string, at: string): [string, string] {
  const found = text.indexOf(at)
  return found < 0 ? [text, ""] : [text.slice(0, found), text.slice(found + 1)]
}
