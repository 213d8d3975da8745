/** Everything that a reviewer is expected to try, by number: what is sent, or what happens to the port. */
const groups: readonly (readonly [string, readonly string[]])[] = [
  [
    "transport",
    [
      ...["TCP connect, then nothing", "a ClientHello byte by byte", "a ClientHello, then nothing"],
      ...["plain HTTP, SSH, syslog", "TLS 1.2", "TLS 1.0", "a wrong ALPN", "no ALPN"],
      ...["1,000 names of ALPN", "SNI: other, NUL, 64 KB", "a reset after the handshake"],
      ...["a half close after a frame", "no client certificate", "10,000 connects at once"],
      ...["a flood of key updates", "a certificate of 200 KB, a chain of 50"],
      ...["renegotiation, early data", "a reader that does not read", "urgent data"],
      "a session resumed after a revocation",
    ],
  ],
  [
    "certificate",
    [
      ...["expired", "not valid yet", "for servers", "without a usage", "another CA, same name"],
      ...["revoked, also on a live connection", "an ID in the subject", "two URIs"],
      ...["a URI behind a comma", "a NUL", "a parent segment", "user information"],
      ...["capitals, escapes, other alphabets", "a leaf that signs", "self-signed"],
      ...["outside the CA's name constraint", "SHA-1, RSA of 1024 bits"],
      ...["a writer's at the read port, and the reverse", "the server's own"],
      "an ID that left the list a moment ago",
    ],
  ],
  [
    "frame",
    [
      ...["length 0", "length 2^32-1", "a length, then the end", "a negative length"],
      ...["unknown type, version, flags", "one byte a TLS record", "two HELLOs"],
      ...["BATCH before HELLO", "ACK from a writer", "a sequence again", "a sequence left out"],
      ...["a sequence that goes back", "sequence 2^53, 2^64-1", "a batch again, changed"],
      ...["a captured batch, replayed", "a batch of a million events", "a wrong digest, signature"],
      "compressed, it says",
    ],
  ],
  [
    "event",
    [
      ...["100,000 deep", "a key twice", "__proto__ and its kin", "odd numbers", "invalid UTF-8"],
      ...["lone surrogates", "control and direction characters", "a line of 100 MB"],
      ...["a million keys", "a string for bad patterns", "almost JSON", "two ways to write é"],
      ...["names of the port's own facts", "secrets in disguise", "odd times"],
    ],
  ],
  [
    "compression",
    [
      ...["a bomb, also nested", "several members", "cut off, changed, continued"],
      "another encoding, two",
    ],
  ],
  [
    "HTTP",
    [
      ...["two lengths, odd chunks, bare line feeds", "10,000 headers, 1 MB of header"],
      ...["100-continue, then nothing", "a body byte by byte", "other hosts, forged identities"],
      ...["Upgrade, CONNECT, TRACE, HTTP/2", "a path that climbs", "odd EventLists"],
    ],
  ],
  [
    "syslog",
    [
      ...["odd octet counts", "line feeds among octet counts", "priority above 191"],
      ...["structured data with escapes", "RFC 3164 without a year", "a forged host"],
    ],
  ],
  [
    "system",
    [
      ...["a full disk", "fdatasync fails", "no files left", "a read-only disk", "kill -9"],
      ...["the clock is set", "a torn record, any bit", "a segment removed, swapped, rolled back"],
      ...["two ports, one log", "a bad reload", "no memory left, slow readers"],
      ...["files open to others", "the firewall is deleted", "names and keys unreachable"],
    ],
  ],
  [
    "sources",
    [
      ...["syslog: counts without an end, messages too large", "syslog: byte by byte, cut, silent"],
      ...["syslog: tiny messages, many connections", "syslog: no grant, no certificate, no TLS"],
      ...["OTLP: a bomb, tiny records, deep values", "OTLP: a resource again and again"],
      ...["OTLP: fields and JSON that are broken", "odd records, CloudEvents, Teleport"],
      ...["a way in of another grant", "actions of the port's own in what a source says"],
    ],
  ],
]

export interface Input {
  readonly number: number
  readonly what: string
}

export const inputs: readonly Input[] = groups
  .flatMap(([group, whats]) => whats.map((what) => `${group}: ${what}`))
  .map((what, i) => ({ number: i + 1, what }))

/** Which inputs were met, by the rows that are cases of them. */
export class Tally {
  readonly #cases = new Map<
    number,
    { said: Set<string>; left: Set<string>; rows: number; bad: number }
  >()

  /** @param left what it left in the log */
  add(
    input: number | readonly number[] | undefined,
    said: string,
    left: readonly string[],
    isGood: boolean,
  ): void {
    for (const number of input === undefined ? [] : [input].flat()) {
      const known = this.#cases.get(number)
      const each = known ?? { said: new Set(), left: new Set(), rows: 0, bad: 0 }
      this.#cases.set(number, each)
      each.said.add(said)
      for (const code of left) each.left.add(code)
      each.rows += 1
      if (!isGood) each.bad += 1
    }
  }

  /** Met: by one row at least, and all of its rows were as they should be. */
  get met(): readonly Input[] {
    return inputs.filter(({ number }) => this.#cases.get(number)?.bad === 0)
  }

  get missing(): readonly Input[] {
    return inputs.filter((input) => !this.met.includes(input))
  }

  /** A line each: number, what was sent, what the sender met, what the log says of it. */
  *lines(): Generator<string> {
    for (const { number, what } of inputs) {
      const { said, left, rows = 0, bad = 0 } = this.#cases.get(number) ?? {}
      const state = rows === 0 ? "no row" : bad > 0 ? `${bad} of ${rows} rows wrong` : `${rows}`
      const met = [...(said ?? [])].slice(0, 3).join(" | ").slice(0, 90)
      const entries = left === undefined || left.size === 0 ? "-" : [...left].join(" ")
      yield `${String(number).padStart(3)}  ${what} (${state}): ${met} -> ${entries}`
    }
  }
}
