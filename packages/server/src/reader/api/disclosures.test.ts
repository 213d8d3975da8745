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

it.each(["missing", "locked", "damaged"] as const)("says that a value is %s", async (state) => {
  const { json: asked } = openWith({ state })
  const problem = await asked(`/v1/entries/1/disclosures/${digest}`, 404)
  expect(problem).toMatchObject({ code: "DISCLOSURE_MISSING", detail: state })
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
