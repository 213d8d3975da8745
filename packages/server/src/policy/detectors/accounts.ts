import { type Finding, noFindings } from "./hit.ts"
import { alnum, digit, isAt, letter } from "./letters.ts"

/** Length of an IBAN by country (ISO 13616 registry). */
const lengths = new Map<string, number>()
for (const [length, countries] of [
  [15, "NO"],
  [16, "BE"],
  [18, "DK FI FO GL NL SD"],
  [19, "MK SI"],
  [20, "AT BA EE KZ LT LU MN XK"],
  [21, "CH CR HR LI LV"],
  [22, "BG BH DE GB GE IE ME RS VA"],
  [23, "AE GI IL IQ OM SO TL"],
  [24, "AD CZ ES MD PK RO SA SE SK TN VG"],
  [25, "LY PT ST"],
  [26, "IS TR"],
  [27, "BI DJ FR GR IT MC MR SM"],
  [28, "AL AZ BY CY DO GT HU LB NI PL SV"],
  [29, "BR EG PS QA UA"],
  [30, "JO KW MU YE"],
  [31, "MT SC"],
  [32, "LC"],
  [33, "RU"],
] as const)
  for (const country of countries.split(" ")) lengths.set(country, length)

/** IBANs with their check digits, together or in groups of four, in either case. */
export function findIbans(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let from = 0; from + 15 <= text.length; from++) {
    const fourth = text.charCodeAt(from + 3)
    if (fourth < 0x30 || fourth > 0x39 || !isAt(text, from + 2, digit)) continue
    if (!isAt(text, from, letter) || isAt(text, from - 1, alnum)) continue
    const length = lengths.get(text.slice(from, from + 2).toUpperCase())
    const to = length === undefined ? -1 : ibanEnd(text, from, length)
    if (to === -1) continue
    found ??= []
    found.push({ name: "iban", from, to, whole: true })
    from = to
  }
  return found ?? noFindings
}

/** Behind the last character; -1 if it is no IBAN. */
function ibanEnd(text: string, from: number, length: number): number {
  let at = from
  let letters = ""
  while (letters.length < length) {
    if (isAt(text, at, alnum)) letters += text[at]
    else if (letters.length % 4 !== 0 || !/[ -]/.test(text[at] ?? "")) return -1
    at++
    if (at - from > 2 * length) return -1
  }
  return isAt(text, at, alnum) || remainder(letters) !== 1 ? -1 : at
}

/** ISO 7064 mod 97-10, with the first four characters at the end. */
function remainder(iban: string): number {
  let rest = 0
  for (const char of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(char, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest
}

const written = /^[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}$/

/** US social security numbers in their written form: 3-2-4 digits with hyphens or spaces. */
export function findSocial(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let joint = 3; joint + 8 <= text.length; joint++) {
    const code = text.charCodeAt(joint)
    if ((code !== 0x2d && code !== 0x20) || text.charCodeAt(joint + 3) !== code) continue
    const [from, to] = [joint - 3, joint + 8]
    const number = text.slice(from, to)
    if (!written.test(number) || !isIssued(number)) continue
    if (/[A-Za-z0-9.-]/.test(text[from - 1] ?? "") || isAt(text, to, alnum)) continue
    if (text[to] === "-" && isAt(text, to + 1, digit)) continue
    found ??= []
    found.push({ name: "us-ssn", from, to, whole: true })
  }
  return found ?? noFindings
}

function isIssued(number: string): boolean {
  const area = number.slice(0, 3)
  if (area === "000" || area === "666" || area[0] === "9") return false
  return number.slice(4, 6) !== "00" && number.slice(7) !== "0000"
}
