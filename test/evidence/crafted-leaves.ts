import type { Crafted } from "./crafted.ts"
import { entriesOf, fileOf, noteOf } from "./drafts.ts"
import { origin, SmallLog } from "./small-log.ts"

const stamp = '{"r":1,"o":0,"q":0,"n":"AAAAAAAAAAAAAAAAAAAAAA"}'
const levels = (count: number) => `${'{"a":'.repeat(count)}1${"}".repeat(count)}`

/** Behind a good stamp. */
const goodEvents: Readonly<Record<string, string>> = {
  "the least": "{}",
  "spaces and line feeds": '\n {"a" :\t1}\r\n',
  "a member twice": '{"a":1,"a":2}',
  "long numbers": `{"a":${"9".repeat(5000)},"b":-1e999}`,
  "half a surrogate pair, escaped": '{"a":"\\ud800"}',
  "an action that is a number": '{"action":1,"data":[]}',
  "32 levels": levels(32),
  "10,000 levels": levels(10_000),
  "30,000 levels": `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
  "65,535 bytes": paddedTo(65_534 - stamp.length),
}

const badEvents: Readonly<Record<string, string | Uint8Array>> = {
  nothing: "",
  "an array": "[]",
  "a null": "null",
  "a string": '"{}"',
  NaN: '{"a":NaN}',
  Infinity: '{"a":Infinity}',
  "a number with a zero before it": '{"a":01}',
  "a comma too much": '{"a":1,}',
  "a comment": "{}//",
  "two objects": "{}{}",
  "half an object": '{"a":1',
  "a byte order mark": "\ufeff{}",
  "a form feed": "\f{}",
  "a no-break space": "\u00a0{}",
  "a control character in a string": '{"a":"\u0000"}',
  "a line feed in a string": '{"a":"\n"}',
  "invalid UTF-8": around(0xff),
  "an overlong sequence": around(0xc0, 0xaf),
  "a surrogate in UTF-8": around(0xed, 0xa0, 0x80),
  "a code point above the last": around(0xf4, 0x90, 0x80, 0x80),
  "65,536 bytes": paddedTo(65_535 - stamp.length),
}

/** Before an empty event. */
const badStamps: Readonly<Record<string, string>> = {
  nothing: "",
  "white space": stamp.replace(",", ", "),
  "c 0": stamp.replace("}", ',"c":0}'),
  "c 8": stamp.replace("}", ',"c":8}'),
  "c 30": stamp.replace("}", ',"c":30}'),
  "members in another order": '{"o":0,"r":1,"q":0,"n":"AAAAAAAAAAAAAAAAAAAAAA"}',
  "a short nonce": stamp.replace("AAAA", "AAA"),
  "unused bits": stamp.replace('A"', 'B"'),
  "a letter of base64": stamp.replace("AA", "A+"),
  "a later stream": stamp.replace('"o":0', '"o":1'),
  "received at 2^53": stamp.replace('"r":1', '"r":9007199254740992'),
  "a sequence of fifteen digits": stamp.replace('"q":0', '"q":100000000000000'),
  "leading zeros": stamp.replace('"q":0', '"q":00'),
  "a carriage return": `${stamp}\r`,
}

/** Entries as a port might and might not write them, all in a tree that is signed. */
export async function oddLeaves(): Promise<Crafted[]> {
  const made: Crafted[] = []
  const add = async (name: string, leaf: Buffer, verdict: Crafted["verdict"]) => {
    made.push({ name, bytes: await fileOfLeaf(leaf), trust: "policy", verdict })
  }
  for (const [name, event] of Object.entries(goodEvents)) {
    await add(`an event: ${name}`, leafOf(stamp, event), "WITNESSED")
  }
  for (const [name, event] of Object.entries(badEvents)) {
    await add(`an event: ${name}`, leafOf(stamp, event), "INVALID")
  }
  for (const [name, odd] of Object.entries(badStamps)) {
    await add(`a stamp: ${name}`, leafOf(odd, "{}"), "INVALID")
  }
  for (const c of [1, 2, 3, 4, 5, 6, 7]) {
    await add(`a stamp: c ${c}`, leafOf(stamp.replace("}", `,"c":${c}}`), "{}"), "WITNESSED")
  }
  await add("an empty leaf", Buffer.alloc(0), "INVALID")
  await add("a leaf without a line feed", Buffer.from(stamp), "INVALID")
  return made
}

async function fileOfLeaf(leaf: Buffer): Promise<Buffer> {
  const log = new SmallLog()
  log.leaves.push(leaf)
  const head = { postern: "evidence@v1", origin, kind: "set", claim: {}, count: 1 }
  return fileOf({ head, notes: [await noteOf(log)], batches: [], ...entriesOf(log, [0], []) })
}

function leafOf(stampText: string, event: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${stampText}\n`), Buffer.from(event as string)])
}

function around(...bytes: readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from('{"a":"'), Uint8Array.from(bytes), Buffer.from('"}')])
}

function paddedTo(bytes: number): string {
  return `{"a":"${"x".repeat(bytes - 8)}"}`
}
