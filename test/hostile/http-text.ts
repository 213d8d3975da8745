/** A request by hand, with its length, unless the headers say otherwise. */
export function httpPost(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  target = "/v1/events",
): Buffer {
  const bytes = Buffer.from(body)
  const all = {
    "content-type": "application/json",
    "content-length": String(bytes.length),
    ...headers,
  }
  return Buffer.concat([Buffer.from(httpHead(`POST ${target} HTTP/1.1`, all)), bytes])
}

export function httpHead(line: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return `${[line, "host: port", ...lines].join("\r\n")}\r\n\r\n`
}
