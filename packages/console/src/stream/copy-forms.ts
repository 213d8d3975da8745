import { questionText, type Scope } from "../api/index.ts"

/** A word of a command line, as a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/**
 * The question for curl. A browser that came through the loopback door does not know where the read port is: then there is a
 * placeholder to fill in.
 */
export function curlOf(path: string, scope: Scope, origin: string): string {
  const base = origin.startsWith("https:") ? origin : "https://READ-PORT"
  const url = `${base}${questionText(path, { ...scope })}`
  return `curl --cacert ca.pem --cert reader.pem --key reader.key ${shellWord(url)}`
}

export function searchCommand({ q, since, until }: Scope): string {
  const words = ["postern", "search"]
  if (q !== undefined && q !== "") words.push(shellWord(q))
  if (since !== undefined) words.push("--since", since)
  if (until !== undefined) words.push("--until", until)
  return [...words, "--profile", "reader.yaml"].join(" ")
}
