import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { completeAt } from "./complete.ts"

/** `|` is the caret. */
const at = (marked: string) => {
  const caret = marked.indexOf("|")
  return { text: marked.replace("|", ""), caret }
}
const completion = (marked: string) => {
  const { text, caret } = at(marked)
  const offered = completeAt(text, caret)
  const { at: from, length, begun, fields, operators, values } = offered
  return {
    replaced: text.slice(from, from + length),
    begun,
    fields: fields.length > 6 ? "all" : fields.join(" "),
    operators: operators.join(" "),
    value: offered.valueOf?.join("."),
    values: values.join(" "),
  }
}
interface Shown {
  readonly replaced: string
  readonly begun: string
  readonly fields: string
  readonly operators: string
  readonly value: string | undefined
  readonly values: string
}

const none: Shown = {
  replaced: "",
  begun: "",
  fields: "",
  operators: "",
  value: undefined,
  values: "",
}

describe("completeAt", () => {
  test.each<[string, Partial<Shown>]>([
    ["|", { fields: "all", operators: "NOT" }],
    ["ou|", { replaced: "ou", begun: "ou", fields: "outcome" }],
    ["o|", { replaced: "o", begun: "o", fields: "onBehalfOf op origin outcome" }],
    ["out|come:x", { replaced: "outcome", begun: "out", fields: "outcome" }],
    ["N|", { replaced: "N", begun: "N", operators: "NOT" }],
    ["-ac|", { replaced: "ac", begun: "ac", fields: "action actor" }],
    ["(ac|", { replaced: "ac", begun: "ac", fields: "action actor" }],
    ["a AND ac|", { replaced: "ac", begun: "ac", fields: "action actor" }],
    ["a A|", { replaced: "A", begun: "A", operators: "AND" }],
    ["a |", { fields: "all", operators: "AND OR NOT" }],
    ["a | b", { fields: "all", operators: "AND OR NOT" }],
    ["outcome:|", { value: "outcome", values: "success failure denied error unknown" }],
    ["outcome:fa|", { replaced: "fa", begun: "fa", value: "outcome", values: "failure" }],
    ["outcome:fa|x b", { replaced: "fax", begun: "fa", value: "outcome", values: "failure" }],
    ["outcome:(denied OR e|", { replaced: "e", begun: "e", value: "outcome", values: "error" }],
    ["outcome:(denied |", { operators: "AND OR" }],
    ["actor:al|", { replaced: "al", begun: "al", value: "actor" }],
    ['actor:"al b|', { replaced: '"al b', begun: "al b", value: "actor" }],
    ['actor:"al|x" c', { replaced: '"alx"', begun: "al", value: "actor" }],
    ["writer:spiffe://co|", { replaced: "spiffe://co", begun: "spiffe://co", value: "writer" }],
    ["target.na|", { replaced: "target.na", begun: "target.na" }],
    ["data.ticket:IN|", { replaced: "IN", begun: "IN", value: "data.ticket" }],
    ["data.n:>5|", { replaced: "5", begun: "5", value: "data.n" }],
    ["data.n:[1 TO 5|", { replaced: "5", begun: "5", value: "data.n" }],
    ["acton:x AND outcome:nn e|", { replaced: "e", begun: "e" }],
    ["a and ou|", { replaced: "ou", begun: "ou", fields: "outcome" }],
    ['"ou|', {}],
    ['"a"|', {}],
    ["actor:x*|", {}],
    ["(a)|", {}],
    ["a,b ou|", {}],
    ["actor:[1 TO 2]|", {}],
  ])("offers at %s", (marked, expected) => {
    expect(completion(marked)).toEqual({ ...none, ...expected })
  })

  test("never throws, and replaces what is there", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[ac:"()*\\ >[ORANDT.-]{0,12}$/),
        fc.nat(12),
        (text, caret) => {
          const { at: from, length } = completeAt(text, caret)
          expect(from).toBeLessThanOrEqual(Math.min(caret, text.length))
          expect(from + length).toBeLessThanOrEqual(text.length)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
