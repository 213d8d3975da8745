import { bad, type Crafted } from "./crafted.ts"
import { discloseDraft, type Made, named } from "./crafted-disclosures.ts"
import { type Draft, disclosureLines, linesOf, seal } from "./evidence-text.ts"

const big = named("data", JSON.stringify("x".repeat(150_000)))
const small = named("labels")
const pieces = disclosureLines(big.text)
const [start, middle, end, last] = pieces as [string, string, string, string]
const tiny = disclosureLines(small.text)[0] as string

/** Disclosure lines, their pieces and their places. */
export async function oddPieces(): Promise<Crafted[]> {
  const bare = linesOf(await discloseDraft([big.digest, small.digest], []))
  return [...oddCounts(bare), ...oddLines(bare), ...oddPlaces(bare), ...(await misplaced(small))]
}

type Bare = readonly string[]

/** Behind the first line of this name. */
function put(bare: Bare, name: string, ...lines: readonly string[]): Buffer {
  const at = bare.findIndex((line) => line.startsWith(`{"${name}"`)) + 1
  return seal(bare.toSpliced(at, 0, ...lines))
}

function oddCounts(bare: Bare): Crafted[] {
  const here = (name: string, ...lines: readonly string[]) => bad(name, put(bare, "leaf", ...lines))
  const cut = { disclosure: [0, (JSON.parse(last).disclosure as [number, string])[1].slice(0, -4)] }
  const shifted = disclosureLines(big.text.slice(1)).with(0, `${start.slice(0, -4)}"]}`)
  const empty = '{"disclosure":[0,""]}'
  const counted = (line: string, from: number, to: number) => line.replace(`[${from},`, `[${to},`)
  return [
    {
      name: "a large disclosure",
      bytes: put(bare, "leaf", ...pieces, tiny),
      trust: "policy",
      verdict: "WITNESSED",
      disclosed: 2,
      withheld: 0,
    },
    here("a disclosure without its first piece", middle, end, last),
    here("a disclosure without a piece in the middle", start, end, last),
    here("a disclosure without its last piece", start, middle, end),
    here("a disclosure without its last piece before another", start, middle, end, tiny),
    here("pieces in another order", start, end, middle, last),
    here("a piece twice", start, middle, middle, end, last),
    here("a piece after the last", ...pieces, last),
    here("pieces that count up", ...pieces.map((line, i) => counted(line, 3 - i, i))),
    here(
      "pieces that say one less",
      ...pieces.slice(0, 3).map((line, i) => counted(line, 3 - i, 2 - i)),
      last,
    ),
    here("a last piece that is cut", start, middle, end, JSON.stringify(cut)),
    here("a first piece that is cut", ...shifted),
    here("a piece of more than 65,536 characters", counted(start.replace('"]}', 'A"]}'), 3, 0)),
    here("an empty piece", empty),
    here(
      "an empty piece behind the last",
      ...pieces.map((line, i) => counted(line, 3 - i, 4 - i)),
      empty,
    ),
  ]
}

function oddLines(bare: Bare): Crafted[] {
  const here = (name: string, ...lines: readonly string[]) => bad(name, put(bare, "leaf", ...lines))
  const tooMuch = disclosureLines("A".repeat(11_184_812))
  const enough = disclosureLines("A".repeat(11_184_811))
  return [
    here("a disclosure with a member too many", tiny.replace("]}", ",0]}")),
    here("a disclosure with padding", tiny.replace('"]}', '="]}')),
    here(
      "a disclosure in base64",
      JSON.stringify({ disclosure: [0, `${small.text.slice(0, -1)}+`] }),
    ),
    here("a disclosure with an escape", tiny.replace('"Wy', '"\\u0057y')),
    here("a disclosure without a number", `{"disclosure":["${small.text}"]}`),
    here("a disclosure of a disclosed digest that has another text", tiny.replace("Wy", "Wz")),
    here("a disclosure of as much as there may be, of nobody", ...enough),
    {
      name: "a disclosure of more than there may be",
      bytes: put(bare, "leaf", ...tooMuch),
      trust: "policy",
      verdict: "UNKNOWN",
    },
  ]
}

function oddPlaces(bare: Bare): Crafted[] {
  return [
    bad("a disclosure before any leaf", put(bare, "note", tiny)),
    bad("a disclosure before its leaf", put(bare, "context", tiny)),
    bad("a disclosure as the first line", seal([tiny, ...bare])),
    bad("a disclosure after the hashes", put(bare, "hashes", tiny)),
    bad("a disclosure twice in its place", put(bare, "leaf", tiny, tiny)),
  ]
}

/** Behind another entry than the one that holds its digest. */
async function misplaced(made: Made): Promise<Crafted[]> {
  const draft = await discloseDraft([made.digest], [])
  const [context, leaf] = draft.entries as [Draft["entries"][0], Draft["entries"][0]]
  const disclosures = [made.text]
  const asContext = { ...leaf, name: "context", disclosures } as const
  const asLeaf = { ...context, name: "leaf", disclosures } as const
  const file = (entries: Draft["entries"]) => seal(linesOf({ ...draft, entries }))
  const fork = { ...draft.head, kind: "fork", count: 0 }
  const forked = linesOf({ ...draft, head: fork, entries: [], path: [] })
  return [
    bad("a disclosure after a context line", file([{ ...context, name: "leaf" }, asContext])),
    bad("a disclosure after another leaf", file([asLeaf, { ...leaf, name: "context" }])),
    bad("a disclosure in a fork", seal([...forked, ...disclosureLines(made.text)])),
  ]
}
