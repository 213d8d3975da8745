/** Texts made to keep a scanner busy, of any length. */
const repeat = (unit: string, length: number): string =>
  unit.repeat(Math.ceil(length / unit.length)).slice(0, length)

const units: readonly string[] = [
  ...[
    "a",
    "0",
    "4",
    "@",
    "a@",
    "@a.",
    ":",
    "::",
    "1:",
    "a:",
    "://",
    "://a@",
    "://:",
    "=",
    "a=",
    "pin=",
    "cvv='",
  ],
  ...[
    "password=",
    "password:",
    'pin="',
    'pin=\\"',
    "pwd=/",
    "token ",
    "--token ",
    "--",
    "-",
    "<pin>",
    ":pin>",
  ],
  ...[
    "password>",
    "eyJ",
    "eyJ.",
    "eyJaaaaaaa.",
    "eyJa.eyJ",
    "eyJaaaaaaaaa.eyJ",
    "AKIA",
    "ghp_",
    "glpat-",
  ],
  ...[
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY",
    "Bearer ",
    "SG.",
    "xoxb-",
    "4 ",
    "4 1 1 1 ",
    "411 ",
    "4111-",
  ],
  ...[
    "4111 1111 1111 1111 ",
    "4111111111111111,",
    "DE89",
    "DE89 ",
    "DE89 3704 0044 0532 ",
    "123-45-",
    "123-45-6789 ",
  ],
  ...[
    "+1",
    "+1 ",
    "+",
    "1.",
    "1.1.1.",
    "1.1.1.1",
    "1.1.1.1 ",
    "%41",
    "%",
    "%e2%80%8b",
    "\\u0041",
    "\\u",
  ],
  ...[
    "ａ",
    "а",
    "\u200b",
    "e\u0301",
    "\ud835\udd4f",
    "\ud83d",
    "漢",
    "ƀ",
    "٤",
    "A1b",
    "aB3/",
    "a1-",
    "Z2hw",
    "ZXlK",
  ],
  ...[
    "select 'a' from ",
    "select '",
    'select "',
    "select $a$ ",
    "select /* ",
    "select 1 ",
    "select --",
    "''\\",
  ],
  ...[
    "?command=a",
    "/exec?command=",
    "?sig=aaaaaaaa",
    "abcdef.0123456789abcdef ",
    "token abcdef.",
    "a'b\"c`",
    "\\\\",
    '\\"',
  ],
]

export interface Hostile {
  readonly name: string
  readonly text: (length: number) => string
}

/** Each unit again and again, plainly and behind the beginning of a statement or a request. */
export const hostile: readonly Hostile[] = [
  ...units.map((unit) => ({ name: unit, text: (length: number) => repeat(unit, length) })),
  ...units.slice(0, 40).map((unit) => ({
    name: `select … ${unit}`,
    text: (length: number) => `select a from b where ${repeat(unit, length - 22)}`,
  })),
  { name: "all letters", text: (length) => distinct(length, 0x80) },
  { name: "all marks", text: (length) => distinct(length, 0x1d400) },
  { name: "names", text: (length) => counted(length, (i) => `k${i}=`) },
  { name: "colons", text: (length) => counted(length, (i) => `${i.toString(16)}:`) },
]

function distinct(length: number, first: number): string {
  let out = ""
  for (let code = first; out.length < length; code++)
    out += String.fromCodePoint(code % 0xd800 || 1)
  return out.slice(0, length)
}

function counted(length: number, part: (i: number) => string): string {
  let out = ""
  for (let i = 0; out.length < length; i++) out += part(i)
  return out.slice(0, length)
}
