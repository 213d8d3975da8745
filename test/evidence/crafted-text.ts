import { bad, type Crafted } from "./crafted.ts"
import { type Draft, linesOf, seal } from "./drafts.ts"
import { origin } from "./small-log.ts"

function fine(name: string, bytes: Buffer): Crafted {
  return { name, bytes, trust: "policy", verdict: "WITNESSED" }
}

/** What the lines say is right; how they say it is not. */
export function oddText(set: Draft): Crafted[] {
  const lines = linesOf(set)
  const at = { head: 0, note: 1, leaf: lines.length - 2 }
  type Name = keyof typeof at
  const textOf = (name: Name) => lines[at[name]] as string
  const edited = (name: Name, edit: (line: string) => string) => {
    return seal(lines.with(at[name], edit(textOf(name))))
  }
  const replaced = (name: Name, from: string | RegExp, to: string) => {
    return edited(name, (line) => line.replace(from, to))
  }
  const note = Buffer.from(textOf("note"))
  const withByte = (byte: number) =>
    seal([
      textOf("head"),
      Buffer.concat([note.subarray(0, 30), Uint8Array.of(byte), note.subarray(30)]),
      ...lines.slice(2),
    ])
  const count = `"count":${set.head.count}`
  return [
    bad("a byte order mark", Buffer.concat([Buffer.from("\ufeff"), seal(lines)])),
    bad("white space", replaced("head", ",", ", ")),
    bad(
      "white space at the end",
      edited("note", (line) => `${line} `),
    ),
    bad(
      "a carriage return",
      edited("note", (line) => `${line}\r`),
    ),
    bad("a number with an exponent", replaced("leaf", /\d+/, "$&e0")),
    bad("a number with a fraction", replaced("leaf", /\d+/, "$&.0")),
    bad("a number with a zero before it", replaced("leaf", /\d+/, "0$&")),
    bad("a number with a sign", replaced("leaf", /\d+/, "+$&")),
    bad("a number of 2^53", replaced("leaf", /\d+/, "9007199254740992")),
    bad("a number of 400 digits", replaced("leaf", /\d+/, "9".repeat(400))),
    bad("a number in quotes", replaced("leaf", /\d+/, '"$&"')),
    bad("a leaf of three", replaced("leaf", "]", ",0]")),
    bad("a member twice", replaced("head", '"origin"', `"origin":"${origin}","origin"`)),
    bad("an unknown member", replaced("head", '"kind"', '"more":1,"kind"')),
    bad(
      "members in another order",
      edited("head", (line) => line.replace(`,${count}`, "").replace('"kind"', `${count},"kind"`)),
    ),
    bad(
      "base64 with an escape",
      replaced("leaf", /"([A-Za-z0-9])(?=[A-Za-z0-9+/]{9})/, '"\\u0065'),
    ),
    bad("base64 cut short", replaced("leaf", '"]', 'A"]')),
    bad("base64 with padding too much", replaced("leaf", '"]', '="]')),
    bad("base64 with a line feed", replaced("leaf", '"]', '\\n"]')),
    bad("base64 with a letter of base64url", replaced("leaf", /"[A-Za-z0-9]/, '"_')),
    bad("an invalid UTF-8 byte", withByte(0xff)),
    bad("half a UTF-8 sequence", withByte(0xc3)),
    bad("a NUL", withByte(0)),
    fine("an escaped origin", replaced("head", '"origin":"e', '"origin":"\\u0065')),
    fine("an escaped note", replaced("note", "example", "ex\\u0061mple")),
  ]
}

export function oddClaims(set: Draft): Crafted[] {
  const [head = "", ...lines] = linesOf(set)
  const claim = JSON.stringify(set.head.claim)
  const from = head.indexOf(claim)
  const to = from + claim.length
  const withClaim = (text: string) => seal([head.slice(0, from) + text + head.slice(to), ...lines])
  const escapes = '{"a":"\\u0041\\/\\b\\ud83d\\ude00\\ud800","":[],"b":{},"__proto__":1}'
  return [
    bad("no claim", seal([head.replace(`"claim":${claim},`, () => ""), ...lines])),
    bad("a claim that is an array", withClaim("[]")),
    bad("a claim that is null", withClaim("null")),
    bad("a claim with a member twice", withClaim('{"a":1,"b":2,"a":3}')),
    bad("a claim with a member twice, once escaped", withClaim('{"a":1,"\\u0061":2}')),
    bad("a claim with a member twice, deep", withClaim('{"a":[{"b":1,"b":2}]}')),
    bad("a claim with __proto__ twice", withClaim('{"__proto__":1,"__proto__":2}')),
    bad("a claim with white space", withClaim('{"a": 1}')),
    bad("a claim above 4,096 bytes", withClaim(`{"a":"${"x".repeat(4089)}"}`)),
    bad("a claim above 4,096 bytes of two each", withClaim(`{"a":"${"ü".repeat(2045)}"}`)),
    bad("a claim with a control character", withClaim('{"a":"\u0001"}')),
    bad("a claim with half a number", withClaim('{"a":1.}')),
    bad("a claim with a bad escape", withClaim('{"a":"\\x"}')),
    bad("a claim with half an escape", withClaim('{"a":"\\u00"}')),
    bad("a claim cut off", withClaim('{"a":[1,2}')),
    bad("a claim with a comma too much", withClaim('{"a":1,}')),
    bad("a claim with a word", withClaim('{"a":undefined}')),
    fine("a claim of 4,096 bytes", withClaim(`{"a":"${"x".repeat(4088)}"}`)),
    fine("an empty claim", withClaim("{}")),
    fine("a claim with escapes", withClaim(escapes)),
    fine("a claim with DEL and U+2028", withClaim('{"a":"\u007f\u2028"}')),
    fine("a claim of a thousand levels", withClaim(`{"a":${"[".repeat(1000)}${"]".repeat(1000)}}`)),
  ]
}

export function badEnds(set: Draft): Crafted[] {
  const file = seal(linesOf(set)).toString()
  const digest = /"sha256":"([0-9a-f]+)/.exec(file)?.[1] as string
  const lines = Number(/"lines":(\d+)/.exec(file)?.[1])
  const replaced = (from: string, to: string) => Buffer.from(file.replace(from, to))
  const other = digest.startsWith("0") ? "1" : "0"
  return [
    bad("an end that counts more", replaced(`"lines":${lines}`, `"lines":${lines + 1}`)),
    bad("an end that counts less", replaced(`"lines":${lines}`, `"lines":${lines - 1}`)),
    bad("an end with another digest", replaced(digest, `${other}${digest.slice(1)}`)),
    bad("an end in capitals", replaced(digest, digest.toUpperCase())),
    bad("an end cut short", replaced(digest, digest.slice(0, -1))),
    bad("an end with more members", replaced('"}}', '","more":1}}')),
    bad("an end with white space", replaced('"}}', '"} }')),
  ]
}
