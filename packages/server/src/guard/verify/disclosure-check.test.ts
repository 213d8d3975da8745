import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure, formatStamp } from "@postern/log/event"
import { expect, test } from "vitest"
import { type AskDisclosure, DisclosureCheck } from "./disclosure-check.ts"

const salt = "A".repeat(22)
const inner = encodeDisclosure(salt, "street", encodeUtf8('"12 Rue"'))
const outer = encodeDisclosure(salt, "data", encodeUtf8(`{"_sd":["${disclosureDigest(inner)}"]}`))
const element = encodeDisclosure(salt, undefined, encodeUtf8('"x"'))
const named = (json: Uint8Array) => disclosureDigest(json)

const leafOf = (event: object) => {
  const stamp = {
    received: 1,
    open: 0,
    sequence: 1,
    nonce: new Uint8Array(16),
    changed: 0,
  } as const
  return encodeUtf8(`${formatStamp(stamp)}\n${JSON.stringify(event)}`)
}
const sealedLeaf = leafOf({
  _policy: { sealed: 3 },
  _sd: [named(outer)],
  origin: { list: [0, { "...": named(element) }] },
})

/** What the check says of leaves, if the values are where this says. */
async function check(leaves: readonly Uint8Array[], ask: AskDisclosure | undefined) {
  const said: unknown[] = []
  let count = 0
  const draft = {
    count: () => void count++,
    fail: (_check: unknown, code: string, where: string) => void said.push([code, where]),
    omit: () => undefined,
    addFact: (name: string, more: number) => void said.push([name, more]),
  }
  const one = new DisclosureCheck(draft as never, ask)
  for (const [index, leaf] of leaves.entries()) await one.leaf(leaf, index)
  return { said, count }
}

const held: AskDisclosure = async (_, digest) => {
  const json = [inner, outer, element].find((one) => named(one) === digest)
  return json === undefined ? { state: "missing" } : { state: "held", json }
}

test("values inside a sealed event, and inside its values, are all asked for", async () => {
  expect(await check([sealedLeaf], held)).toEqual({ said: [], count: 3 })
  expect(await check([sealedLeaf], undefined)).toEqual({
    said: [["valuesBesideTheLogNotChecked", 2]],
    count: 0,
  })
  const unsealed = leafOf({ origin: { _sd: [named(outer)], list: [{ "...": named(element) }] } })
  expect(await check([unsealed, unsealed], held)).toEqual({ said: [], count: 0 })
})

test.each(["missing", "locked", "damaged"] as const)(
  "one that is %s is a finding",
  async (state) => {
    const asking: AskDisclosure = async (index, digest) =>
      digest === named(inner) ? { state } : held(index, digest)
    const { said, count } = await check([sealedLeaf], asking)
    expect(count).toBe(3)
    expect(said).toEqual([[`disclosure-${state}`, `entry 0, value ${named(inner)}`]])
  },
)

test("one that is another value, or belongs elsewhere, is a finding", async () => {
  const wrong: AskDisclosure = async () => ({ state: "held", json: inner })
  expect((await check([sealedLeaf], wrong)).said).toHaveLength(2)
  const misplaced = leafOf({ _policy: { sealed: 1 }, data: [{ "...": named(inner) }] })
  expect((await check([misplaced], held)).said).toHaveLength(1)
})
