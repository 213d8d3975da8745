import { generateKeyPairSync, sign } from "node:crypto"
import { describe, expect, test } from "vitest"
import { concatBytes, encodeUtf8 } from "../base/index.ts"
import { deriveNonce, formatStamp } from "../event/index.ts"
import { formatVkey, leafHash, noteKeyId, rangeRoot, signNote } from "../tlog/index.ts"
import { demandAltered } from "./altered-event.ts"
import { type BatchClaim, checkBatchReceipt, formatReceiptText } from "./index.ts"

const { publicKey, privateKey } = generateKeyPairSync("ed25519")
const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32)
const name = "log.example/receipts"
const signer = {
  ...{ name, keyId: noteKeyId(name, raw) },
  sign: (message: Uint8Array) => new Uint8Array(sign(undefined, message, privateKey)),
}

/** What a port says, and signs, that keeps `kept` where `sent` came. */
async function claimOf(sent: string, kept: string): Promise<BatchClaim> {
  const seed = new Uint8Array(16).fill(1)
  const event = encodeUtf8(kept)
  const changed = 4 as const
  const stamp = { received: 1, open: 0, sequence: 0, nonce: deriveNonce(seed, 0), changed }
  const hash = leafHash(concatBytes(encodeUtf8(`${formatStamp(stamp)}\n`), event))
  const text = { origin: "log.example", first: 7, count: 1, root: rangeRoot(7, hash) }
  const ack = {
    ...{ sequence: 0, events: 1, accepted: 1, firstIndex: 7, received: 1, open: 0 },
    ...{ changed: 0 as const, seed, path: [] },
  }
  return {
    ...{ ack, events: [encodeUtf8(sent)], refused: [], altered: [{ position: 0, changed, event }] },
    note: await signNote(formatReceiptText(text), signer),
    receiptVkey: formatVkey(name, raw),
  }
}

const rest = { actor: { id: "a" }, targets: [] }
const fixed = {
  ...{ id: "1", time: "2026-11-22T12:00:00Z", source: "app://a", action: "invoice.deleted" },
  outcome: "denied",
}
const sent = JSON.stringify({ ...fixed, ...rest, data: { a: [1, '"}\\'], b: "é" } })
const _policy = { digest: "0123456789abcdef", did: ["redact /data/a"] }
const kept = JSON.stringify({ _policy, ...fixed, ...rest, data: { a: "[redacted]", b: "é" } })

describe("a receipt over an altered event", () => {
  test("proves what the policy left of the one that was sent", async () => {
    const proven = await checkBatchReceipt(await claimOf(sent, kept))
    expect(Buffer.from(proven.leaves[0] ?? []).toString()).toContain(`\n${kept}`)
  })

  test("proves nothing if the event is another one", async () => {
    const other = { id: "2", action: "invoice.read", outcome: "success" }
    const substituted = JSON.stringify({ _policy, ...fixed, ...rest, ...other })
    for (const event of [substituted, JSON.stringify({ ...fixed, ...rest, ...other }), sent]) {
      const checked = checkBatchReceipt(await claimOf(sent, event))
      await expect(checked).rejects.toMatchObject({ code: "RECEIPT_INVALID" })
    }
  })
})

const demand = (before: string | Uint8Array, after: string | Uint8Array) => () => {
  const [a, b] = [before, after].map((one) => (typeof one === "string" ? encodeUtf8(one) : one))
  demandAltered(a as Uint8Array, b as Uint8Array)
}
const mark = JSON.stringify(_policy)
const members = JSON.stringify(fixed).slice(1, -1)
const invalid = expect.objectContaining({ code: "RECEIPT_INVALID" })

test("what a policy leaves is taken, however it was written", () => {
  const spaced = `{ ${members.replaceAll('":"', '" : "')} , "data" : { "id" : [ ] , "x" : {} } }`
  const spacedKept = spaced.replace("{", `{"_policy":${mark},"_sd":["x"],`)
  const takings: [string, string][] = [
    [sent, kept],
    [`{${members},"data":{}}`, `{"_policy":${mark},"_sd":["x"],${members}}`],
    [`{${members},"_sd":["a"]}`, `{"_policy":${mark},${members},"_sd":["b","c"]}`],
    [
      `{${members},"data":{"id":2,"id":3}}`,
      `{"_policy":${mark},${members},"data":{"id":"[redacted]"}}`,
    ],
    [spaced, spacedKept],
  ]
  for (const [before, after] of takings) expect(demand(before, after)).not.toThrow()
})

describe("an event is not what a policy left", () => {
  test.each(Object.entries(fixed))(
    "if its %s is another, missing, twice or written otherwise",
    (key, value) => {
      const change = (other: string) => kept.replace(`"${key}":"${value}"`, other)
      expect(demand(sent, change(`"${key}":"${value}"`))).not.toThrow()
      const escaped = `\\u00${value.charCodeAt(0).toString(16)}${value.slice(1)}`
      for (const other of [
        `"${key}":"${value} "`,
        `"${key}":["${value}"]`,
        `"${key}":"${escaped}"`,
        `"${key}":"x","${key}":"${value}"`,
        `"${key}":"${value}","${key}":"x"`,
        `"${key}":"${value}","\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}":"x"`,
        `"reason":{"${key}":"${value}"}`,
      ])
        expect(demand(sent, change(other)), other).toThrow(invalid)
      expect(demand(sent, change("").replace(",,", ",").replace(",}", "}"))).toThrow(invalid)
    },
  )

  test.each([
    ["without the mark", sent],
    ["with the mark behind", `{${members},"_policy":${mark}}`],
    ["with a mark that is a text", `{"_policy":"${"x".repeat(9)}",${members}}`],
    ["with a mark that is a list", `{"_policy":[${mark}],${members}}`],
    ["with two marks", `{"_policy":${mark},${members},"_policy":${mark}}`],
    ["with a member more", `{"_policy":${mark},${members},"reason":{"a":1}}`],
    ["with __proto__", `{"_policy":${mark},${members},"__proto__":{}}`],
    ["with an empty name", `{"_policy":${mark},${members},"":1}`],
    ["that is a list", `[${kept}]`],
    ["that is nothing", ""],
    ["that is null", "null"],
    ["with something behind it", `${kept}{}`],
    ["that is cut off", kept.slice(0, -1)],
    ["with a byte order mark", `\ufeff${kept}`],
    ["that is no UTF-8", concatBytes(encodeUtf8(kept.slice(0, -2)), new Uint8Array([0xff]))],
  ])("%s", (_, after) => {
    expect(demand(sent, after)).toThrow(invalid)
  })

  test("if none was sent", () => {
    for (const before of ["", "[]", "{}", "null", `{${members},"id":"1"}`])
      expect(demand(before, kept)).toThrow(invalid)
  })

  test("however deep it is", () => {
    const deep = `${'{"a":['.repeat(5_000)}1${"]}".repeat(5_000)}`
    expect(
      demand(`{${members},"data":${deep}}`, `{"_policy":${mark},${members},"labels":${deep}}`),
    ).toThrow(invalid)
    expect(
      demand(`{${members},"data":${deep}}`, `{"_policy":${mark},${members},"data":${deep}}`),
    ).not.toThrow()
  })
})
