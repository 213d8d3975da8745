import { bad, type Crafted } from "./crafted.ts"
import { entriesOf, noteOf } from "./drafts.ts"
import { type Draft, linesOf, seal } from "./evidence-text.ts"
import { origin, SmallLog, sha256 } from "./small-log.ts"

const salt = "_26bc4LT-ac6q2KI6cBW5es"

/** A disclosure of any bytes, also such as nobody may write. */
export interface Made {
  readonly text: string
  readonly digest: string
}

export function madeOf(json: string | Uint8Array): Made {
  return madeFrom(Buffer.from(json as string).toString("base64url"))
}

/** The digest is right, whatever the text is. */
function madeFrom(text: string): Made {
  return { text, digest: sha256(text).toString("base64url") }
}

export const named = (name: string, value = "1", by = salt) =>
  madeOf(`["${by}",${JSON.stringify(name)},${value}]`)

/** Of an element of an array. */
export const element = (value = "1", by = salt) => madeOf(`["${by}",${value}]`)

/** What the policy writes where it made disclosures. */
export const sealedMark = (sealed: unknown = 1) =>
  `,"_policy":{"digest":"0123456789abcdef","did":["personal /data/a"],"sealed":${JSON.stringify(sealed)}}`

/** A log of one entry after its opening: that entry holds these digests. */
export async function discloseDraft(
  digests: unknown,
  disclosed: readonly string[],
  members = "",
): Promise<Draft> {
  const log = new SmallLog()
  log.add({ open: 0, sequence: 0, event: '{"action":"postern.started","_sd":[]}' })
  const event = `{"id":"big","action":"file.stored"${members},"_sd":${JSON.stringify(digests)}}`
  log.add({ open: 0, sequence: 1, changed: 3, event })
  log.add({ open: 0, sequence: 2, event: '{"action":"postern.stopped"}' })
  const head = { postern: "evidence@v1", origin, kind: "set", claim: {}, count: 1 }
  const parts = entriesOf(log, [1], [0])
  const entries = parts.entries.map((entry) =>
    entry.index === 1 ? { ...entry, disclosures: disclosed } : entry,
  )
  return { head, notes: [await noteOf(log)], batches: [], ...parts, entries }
}

async function fileOf(made: readonly Made[], kept: readonly Made[] = made, members = "") {
  const digests = made.map(({ digest }) => digest)
  const draft = await discloseDraft(
    digests,
    kept.map(({ text }) => text),
    members,
  )
  return seal(linesOf(draft))
}

export async function disclosures(): Promise<Crafted[]> {
  const plain = [...(await goodValues()), ...(await goodDigests()), ...(await badValues())]
  return [...plain, ...(await sealedByPolicy()), ...(await badlySealed())]
}

const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`
const goodJson: Readonly<Record<string, string>> = {
  "white space": `\n[ "${salt}" ,\t"data", {"a" : 1}\r\n] `,
  "escapes in salt and name": `["\\u005f26bc4LT-ac6q2KI6cBW5es","d\\u0061ta","\\/\\"]"]`,
  "a member twice": `["${salt}","data",{"a":1,"a":2}]`,
  "30,000 levels": `["${salt}","data",${deep}]`,
  "large numbers": `["${salt}","data",[1e999,-0,${"9".repeat(5000)}]]`,
  "half a surrogate pair, escaped": `["${salt}","\\ud800","\\udc00"]`,
  "an empty name": `["${salt}","",null]`,
  __proto__: `["${salt}","__proto__",{"__proto__":1}]`,
  "a salt of 22 characters": `["${salt.slice(1)}","data",1]`,
  "a salt of 128 characters": `["${"~ ".repeat(64)}","data",1]`,
}

async function goodValues(): Promise<Crafted[]> {
  const made: Crafted[] = []
  const add = async (name: string, json: string) => {
    const bytes = await fileOf([madeOf(json)])
    const counts = { disclosed: 1, withheld: 0 }
    made.push({
      name: `a disclosure: ${name}`,
      bytes,
      trust: "policy",
      verdict: "WITNESSED",
      ...counts,
    })
  }
  for (const [name, json] of Object.entries(goodJson)) await add(name, json)
  // Around the length of one piece, and of three.
  for (const bytes of [49_151, 49_152, 49_153, 98_304, 98_305, 147_456]) {
    const value = "x".repeat(bytes - `["${salt}","data",""]`.length)
    await add(`${bytes} bytes`, `["${salt}","data","${value}"]`)
  }
  return made
}

async function goodDigests(): Promise<Crafted[]> {
  const [a, b, c] = [named("data"), named("labels", '{"b":2}'), named("reason")] as const
  const fine = (name: string, bytes: Buffer, disclosed: number, withheld: number) =>
    ({ name, bytes, trust: "policy", verdict: "WITNESSED", disclosed, withheld }) as const
  const odd = async (digests: unknown, kept: readonly Made[]) => {
    const texts = kept.map(({ text }) => text)
    return seal(linesOf(await discloseDraft(digests, texts)))
  }
  const strange = [1, null, "", "x".repeat(42), `${"x".repeat(42)}ü`, "=".repeat(43), [a.digest]]
  return [
    fine("two disclosures", await fileOf([a, b]), 2, 0),
    fine(
      "disclosures in another order than their digests",
      await fileOf([a, b, c], [c, a, b]),
      3,
      0,
    ),
    fine("one of three disclosures", await fileOf([a, b, c], [b]), 1, 2),
    fine("no disclosure of three", await fileOf([a, b, c], []), 0, 3),
    fine("a digest twice in the entry", await odd([a.digest, a.digest], []), 0, 1),
    fine("digests among what is none", await odd([...strange, a.digest], [a]), 1, 0),
    fine("digests that are none", await odd(strange, []), 0, 0),
    fine("an _sd that is no array", await odd({ a: a.digest }, []), 0, 0),
    fine("an _sd further inside", await fileOf([], [], `,"data":{"_sd":["${a.digest}"]}`), 0, 0),
    fine("an _sd that stands twice", await fileOf([a], [a], `,"_sd":["${b.digest}"]`), 1, 0),
    fine(
      "a name that only stands further inside",
      await fileOf([a], [a], ',"labels":{"data":1}'),
      1,
      0,
    ),
  ]
}

const badJson: Readonly<Record<string, string | Uint8Array>> = {
  "no JSON": "hello",
  "an object": `{"salt":"${salt}"}`,
  "an array of two": `["${salt}",1]`,
  "an array of four": `["${salt}","data",1,2]`,
  "a salt of 21 characters": `["${salt.slice(2)}","data",1]`,
  "a salt of 129 characters": `["${"x".repeat(129)}","data",1]`,
  "a salt with a control character": `["\\u0000${salt}","data",1]`,
  "a salt that is not ASCII": `["ü${salt}","data",1]`,
  "a salt that is a number": '[1234567890123456789012,"data",1]',
  "a name that is a number": `["${salt}",1,1]`,
  "the name _sd": `["${salt}","_sd",[]]`,
  "the name _sd, escaped": `["${salt}","\\u005fsd",[]]`,
  "the name ...": `["${salt}","...",1]`,
  NaN: `["${salt}","data",NaN]`,
  "a comma too much": `["${salt}","data",1,]`,
  "a number with a zero before it": `["${salt}","data",01]`,
  "a control character in a string": `["${salt}","data","\u0001"]`,
  "a form feed": `["${salt}",\f"data",1]`,
  "two arrays": `["${salt}","data",1][]`,
  "a byte order mark": `\ufeff["${salt}","data",1]`,
  "30,000 levels, one of them open": `["${salt}","data",${deep.slice(1)}]`,
  "invalid UTF-8": Buffer.concat([
    Buffer.from(`["${salt}","data","`),
    Buffer.from([0xff, 0x22, 0x5d]),
  ]),
  "a surrogate in UTF-8": Buffer.from(`5b22${Buffer.from(salt).toString("hex")}22eda0805d`, "hex"),
}

async function badValues(): Promise<Crafted[]> {
  const made: Crafted[] = []
  for (const [name, json] of Object.entries(badJson)) {
    made.push(bad(`a disclosure: ${name}`, await fileOf([madeOf(json)])))
  }
  const [a, again, other] = [
    named("data"),
    named("data", "1", `${salt}x`),
    named("labels"),
  ] as const
  const { text } = a
  const odd = named("data", "12").text
  const next = String.fromCharCode(odd.charCodeAt(odd.length - 1) + 1)
  const unused = madeFrom(`${odd.slice(0, -1)}${next}`)
  const member = ',"d\\u0061ta":1'
  return [
    ...made,
    bad("a disclosure that no digest names", await fileOf([a], [a, other])),
    bad("a disclosure twice", await fileOf([a, other], [a, a])),
    bad("a disclosure twice, its digest, too", await fileOf([a, a], [a, a])),
    bad("two disclosures of one name", await fileOf([a, again])),
    bad("a disclosure of a member", await fileOf([a], [a], ',"data":null')),
    bad("a disclosure of a member, escaped", await fileOf([a], [a], member)),
    bad("a digest further inside", await fileOf([], [a], `,"data":{"_sd":["${a.digest}"]}`)),
    bad("the digest of an earlier _sd", await fileOf([other], [a], `,"_sd":["${a.digest}"]`)),
    bad("a disclosure with unused bits", await fileOf([unused], [unused])),
    bad("a disclosure of five letters", await fileOf([madeFrom("AAAAA")])),
    bad(
      "a digest of the JSON itself",
      await fileOf([
        { text, digest: sha256(Buffer.from(text, "base64url")).toString("base64url") },
      ]),
    ),
  ]
}

/** Digests inside an event, of which the policy says that it sealed some. */
async function sealedByPolicy(): Promise<Crafted[]> {
  const [a, b, c] = [named("email"), element('"x"'), named("labels", '{"b":2}')] as const
  const fine = (name: string, bytes: Buffer, disclosed: number, withheld: number) =>
    ({ name, bytes, trust: "policy", verdict: "WITNESSED", disclosed, withheld }) as const
  const within = (made: Made) => `{"_sd":["${made.digest}"]}`
  const both = `,"data":{"who":${within(a)},"list":[1,{"...":"${b.digest}"}]}`
  const outer = named("data", `{"x":[${within(a)},{"...":"${b.digest}"}]}`)
  const far = `${"[".repeat(30_000)}${within(a)}${"]".repeat(30_000)}`
  const large = (bytes: number) =>
    named(
      "data",
      `{"pad":"${"x".repeat(bytes - `["${salt}","data",{"pad":"","x":${within(a)}}]`.length)}","x":${within(a)}}`,
    )
  const made: Crafted[] = []
  const add = async (name: string, top: Made[], kept: Made[], members: string, left: number) => {
    const bytes = await fileOf(top, kept, `${sealedMark()}${members}`)
    made.push(fine(`sealed: ${name}`, bytes, kept.length, left))
  }
  await add("a member and an element", [], [b, a], both, 0)
  await add("one of both, and one of the writer's", [c], [a, c], both, 1)
  await add("none of three", [c], [], both, 3)
  await add("a value whose values were sealed before", [outer], [outer, a, b], "", 0)
  await add("such a value alone", [outer], [outer], "", 2)
  await add("a value of 65,536 bytes", [large(65_536)], [large(65_536), a], "", 0)
  await add("a value of 8 MiB", [large(8_388_608)], [large(8_388_608)], "", 1)
  await add("30,000 levels", [named("data", far)], [named("data", far), a], "", 0)
  await add(
    "a digest twice in one list",
    [],
    [a],
    `,"data":{"_sd":["${a.digest}","${a.digest}"]}`,
    0,
  )
  await add("a digest in two places", [], [], `,"data":[${within(a)},${within(a)}]`, 1)
  await add(
    "a digest beside what is none",
    [],
    [],
    `,"data":{"...":"${b.digest}","_sd":"${a.digest}"}`,
    0,
  )
  await add(
    "an element with more than its digest",
    [],
    [],
    `,"data":[{"...":"${b.digest}","a":1}]`,
    0,
  )
  await add("the same name in another object", [], [a], `,"email":1,"data":${within(a)}`, 0)
  for (const count of [0, -1, 0.5, "1", true, null, [1], 2 ** 53]) {
    const bytes = await fileOf([], [], `${sealedMark(count)}${both}`)
    made.push(fine(`sealed: a count of ${JSON.stringify(count)}`, bytes, 0, 0))
  }
  const often = sealedMark().replace('"sealed":1', '"sealed":0,"sealed":1.0e0')
  made.push(fine("sealed: a count in another spelling", await fileOf([], [a], often + both), 1, 1))
  return made
}

async function badlySealed(): Promise<Crafted[]> {
  const [a, b] = [named("email"), element('"x"')] as const
  const again = named("email", "2", `${salt}x`)
  const list = (...all: Made[]) => `{"_sd":${JSON.stringify(all.map(({ digest }) => digest))}}`
  const outer = named("data", list(a))
  const many = (count: number, seed: string) =>
    JSON.stringify(
      Array.from({ length: count }, (_, i) => sha256(`${seed}${i}`).toString("base64url")),
    )
  const values = [1000, 1000, 1000, 1000, 93].map((count, i) =>
    named(`v${i}`, `{"_sd":${many(count, `${i}.`)}}`),
  )
  const cases: readonly [string, readonly Made[], readonly Made[], string][] = [
    ["a value before the one that names it", [outer], [a, outer], ""],
    ["an element among members", [], [b], `,"data":${list(b)}`],
    ["a member among elements", [], [a], `,"data":[{"...":"${a.digest}"}]`],
    ["a value in two places", [], [a], `,"data":[${list(a)},${list(a)}]`],
    ["a value at the top and inside", [a], [a], `,"data":${list(a)}`],
    ["a member that is there", [], [a], `,"data":{"email":0,"_sd":["${a.digest}"]}`],
    ["two of one name", [], [a, again], `,"data":${list(a, again)}`],
    ["a value twice", [], [a, a], `,"data":${list(a)}`],
    ["4,098 digests", values, values, ""],
  ]
  const made: Crafted[] = []
  for (const [name, top, kept, members] of cases) {
    const bytes = await fileOf(top, kept, `${sealedMark()}${members}`)
    made.push(bad(`badly sealed: ${name}`, bytes))
  }
  return made
}
