import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure, formatStamp } from "@postern/log/event"
import { expect, it } from "vitest"
import type { Found } from "../../disclosures/index.ts"
import { openDesk } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"

const json = encodeDisclosure("A".repeat(22), "data", encodeUtf8('{"body":"é"}'))
const digest = disclosureDigest(json)

/** A log whose entry 1 names the digest, and a desk whose store says this of it. */
function openWith(found: Found) {
  const log = new FakeLog()
  const stamp = { received: 1, open: 0, sequence: 1, nonce: new Uint8Array(16), changed: 3 }
  const event = { action: "a.b", source: "app://a", _sd: [digest] }
  log.appendRaw(encodeUtf8(`${formatStamp({ ...stamp, changed: 3 })}\n${JSON.stringify(event)}`))
  const read = async (asked: string): Promise<Found> =>
    asked === digest ? found : { state: "missing" }
  return openDesk(log, {}, undefined, undefined, { read })
}

it("gives a value to an auditor, byte for byte, and says so in the log first", async () => {
  const { ask, records } = openWith({ state: "held", json })
  const answer = await ask(`/v1/entries/1/disclosures/${digest}`)
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(json)
  expect(records).toMatchObject([{ what: "disclosure", facts: { index: 1, digest } }])
})

it.each(["missing", "locked", "damaged", "erased"] as const)(
  "says that a value is %s",
  async (state) => {
    const { json: asked } = openWith({ state })
    const problem = await asked(`/v1/entries/1/disclosures/${digest}`, 404)
    expect(problem).toMatchObject({ code: "DISCLOSURE_MISSING", detail: state })
  },
)

it("names the entry that says that a value is erased", async () => {
  const { json: asked } = openWith({ state: "erased", entry: 4711 })
  const problem = await asked(`/v1/entries/1/disclosures/${digest}`, 404)
  expect(problem).toMatchObject({ code: "DISCLOSURE_MISSING", detail: "erased 4711" })
})

it("gives nothing to a monitor, nor under another entry, nor when it cannot be recorded", async () => {
  const { ask, json: asked, behaviour } = openWith({ state: "held", json })
  const path = `/v1/entries/1/disclosures/${digest}`
  expect((await ask(path, "monitor")).status).toBe(403)
  expect(await asked(path.replace("/1/", "/0/"), 404)).toMatchObject({ code: "NOT_FOUND" })
  expect(await asked(path.replace("/1/", "/2/"), 404)).toMatchObject({ code: "NOT_FOUND" })
  expect(await asked(path.replace("/1/", "/x/"), 400)).toMatchObject({ code: "REQUEST_INVALID" })
  expect(await asked(`${path}x`, 404)).toMatchObject({ code: "NOT_FOUND" })
  behaviour.keep = () => Promise.reject(new Error("full"))
  expect((await ask(path)).status).toBe(503)
})

it("gives a value that another value of the entry names, where the policy has sealed them, and asks by the entry", async () => {
  const inner = encodeDisclosure("B".repeat(22), undefined, encodeUtf8('"a@example.com"'))
  const list = JSON.stringify([{ "...": disclosureDigest(inner) }])
  const outer = encodeDisclosure("A".repeat(22), "data", encodeUtf8(list))
  const log = new FakeLog()
  const stamp = {
    received: 1,
    open: 0,
    sequence: 1,
    nonce: new Uint8Array(16),
    changed: 3,
  } as const
  for (const sealed of [0, 2]) {
    const event = {
      _policy: { sealed },
      action: "a.b",
      source: "a",
      _sd: [disclosureDigest(outer)],
    }
    log.appendRaw(encodeUtf8(`${formatStamp(stamp)}\n${JSON.stringify(event)}`))
  }
  const read = async (asked: string, index?: number): Promise<Found> => {
    const one = [inner, outer].find((json) => disclosureDigest(json) === asked)
    return one === undefined || index === undefined
      ? { state: "missing" }
      : { state: "held", json: one }
  }
  const { ask, json: asked } = openDesk(log, {}, undefined, undefined, { read })
  const path = (index: number) => `/v1/entries/${index}/disclosures/${disclosureDigest(inner)}`
  expect(new Uint8Array(await (await ask(path(2))).arrayBuffer())).toEqual(inner)
  expect(await asked(path(1), 404)).toMatchObject({ code: "NOT_FOUND" })
})
