/** What of a request decides whether it may come from the door's own page. */
export interface Arrival {
  readonly method: string
  readonly url: string
  readonly host: string | undefined
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`: browsers set it and no page can. */
  readonly site: string | undefined
}

export type Verdict =
  | { readonly kind: "refused"; readonly why: string }
  /** One of the door's own: the exchange of a link for a cookie, or the script that does it. */
  | { readonly kind: "exchange" | "script" }
  | { readonly kind: "question" }

const urlPattern = /^\/[\x21-\x7e]*$/
const urlCharactersMax = 16_000
const alertTestPattern = /^\/v1\/alerts\/[A-Za-z0-9._~%-]{1,200}\/test$/

/**
 * Held against each request before anything else is looked at. A page of another site can make a browser send requests
 * here, also under a name of its own that it points at 127.0.0.1; it cannot make it lie in these headers.
 */
export function judge(arrival: Arrival, port: number): Verdict {
  const { method, url, host, origin, site } = arrival
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) return refused("Host")
  if (origin !== undefined && origin !== `http://${host}`) return refused("Origin")
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return refused("Sec-Fetch-Site")
  }
  if (url.length > urlCharactersMax || !urlPattern.test(url)) return refused("the path")
  if (method === "GET") return { kind: url === "/once.js" ? "script" : "question" }
  // A form of another page may post; it never has our Origin, and a browser always sends one along.
  if (method !== "POST" || origin === undefined) return refused(`the method ${method.slice(0, 10)}`)
  if (url === "/once") return { kind: "exchange" }
  return alertTestPattern.test(url) ? { kind: "question" } : refused("the method POST")
}

function refused(what: string): Verdict {
  return { kind: "refused", why: what }
}
