import { encodeUtf8 } from "@postern/log/base"
import { disclosureDigest, encodeDisclosure, formatStamp } from "@postern/log/event"
import { checkEvidence } from "@postern/log/evidence"
import { parsePolicy } from "@postern/log/tlog"
import { describe, expect, test } from "vitest"
import type { DisclosureSource } from "../../disclosures/index.ts"
import { openDesk } from "./api.test.support.ts"
import { FakeLog } from "./fake-log.test.support.ts"

const json = encodeDisclosure("A".repeat(22), "request", encodeUtf8('{"body":"é"}'))
const held = disclosureDigest(json)
const disclosures: DisclosureSource = {
  read: async (digest) => (digest === held ? { state: "held", json } : { state: "locked" }),
}

/** Entry 302 names a value that is there and one that is not. */
async function openEvidence() {
  const log = new FakeLog()
  log.fill(300)
  const stamp = { received: 1, open: 1, sequence: 300, nonce: new Uint8Array(16) } as const
  const event = JSON.stringify({ action: "file.stored", _sd: [held, "A".repeat(43)] })
  log.appendRaw(encodeUtf8(`${formatStamp({ ...stamp, changed: 3 })}\n${event}`))
  await log.publish()
  const desk = openDesk(log, {}, undefined, undefined, disclosures)
  const policy = parsePolicy(`log ${log.vkey}\nquorum none\n`)
  const take = async (path: string) => {
    const answer = await desk.ask(path)
    expect(answer.status).toBe(200)
    return checkEvidence(new Uint8Array(await answer.arrayBuffer()), policy)
  }
  return { ...desk, take }
}

describe("/v1/evidence", () => {
  test("gives a range, a list and what fits a search, each recorded before it leaves", async () => {
    const { take, records } = await openEvidence()
    const range = await take("/v1/evidence?first=20&count=200")
    expect(range).toMatchObject({ verdict: "SIGNED-ONLY", kind: "range", counts: { leaves: 200 } })
    const list = await take("/v1/evidence?index=7,200,3")
    expect(list.senders.map(({ index }) => index)).toEqual([3, 7, 200])
    const asked = "/v1/evidence?q=action:postern.*&since=2026-11-22T13:00:00%2b01:00"
    const query = await take(asked)
    const claim = { query: "action:postern.*", since: "2026-11-22T13:00:00+01:00" }
    expect(query).toMatchObject({ kind: "set", claim, counts: { leaves: 2 } })
    expect(records).toHaveLength(3)
    expect(records[2]).toMatchObject({
      action: "postern.evidence",
      what: "evidence",
      question: asked,
      facts: { kind: "set", size: 303, count: 2, claim: JSON.stringify(claim) },
    })
  })

  test("has the values that can be had, if they are asked for, and the record says how many", async () => {
    const { take, json: refuse, records } = await openEvidence()
    const bare = await take("/v1/evidence?index=302,5")
    expect(bare.counts).toMatchObject({ leaves: 2, disclosed: 0, withheld: 2, withholding: 1 })
    const whole = await take("/v1/evidence?index=302,5&disclosed=true")
    expect(whole.counts).toMatchObject({ leaves: 2, disclosed: 1, withheld: 1, withholding: 1 })
    const query = await take("/v1/evidence?q=action:file.stored&disclosed=true")
    expect(query).toMatchObject({ claim: { query: "action:file.stored" } })
    expect(records.map(({ facts }) => facts.disclosed)).toEqual([0, 1, 1])
    const monitor = await refuse("/v1/evidence?index=302&disclosed=true", 403, "monitor")
    expect(monitor.code).toBe("NOT_GRANTED")
  })

  test.each([
    "",
    "?index=1&disclosed=yes",
    "?disclosed=true",
    "?first=1",
    "?first=1&count=2&index=3",
    "?open=1&stream=00000000000000000000000000000000",
    "?first=1&count=0",
    "?index=1,,2",
    "?index=01",
    "?stream=xyz",
    "?since=yesterday",
    "?nonsense=1",
  ])("refuses %s", async (query) => {
    const { json, records } = await openEvidence()
    expect((await json(`/v1/evidence${query}`, 400)).code).toBe("REQUEST_INVALID")
    expect(records).toEqual([])
  })

  test("is not there for entries that are not, nor for monitors", async () => {
    const { json } = await openEvidence()
    expect((await json("/v1/evidence?index=99999", 404)).code).toBe("NOT_FOUND")
    expect((await json("/v1/evidence?first=1&count=2", 403, "monitor")).code).toBe("NOT_GRANTED")
  })

  test("nothing leaves that could not be recorded, and the next one is made", async () => {
    const { json, take, behaviour } = await openEvidence()
    behaviour.keep = () => Promise.reject(new Error("no space"))
    for (let i = 0; i < 3; i++) {
      expect((await json("/v1/evidence?first=1&count=2", 503)).code).toBe("READ_UNRECORDED")
    }
    behaviour.keep = async () => undefined
    expect((await take("/v1/evidence?first=1&count=2")).verdict).toBe("SIGNED-ONLY")
  })

  test("two are made at a time; one that nobody takes any more makes room", async () => {
    const { ask, json } = await openEvidence()
    const path = "/v1/evidence?first=0&count=300"
    const [one, two] = [await ask(path), await ask(path)]
    expect((await json(path, 503)).code).toBe("OVERLOADED")
    await one.body?.cancel()
    await two.arrayBuffer()
    expect((await ask(path)).status).toBe(200)
  })

  test("ends when the grant does, and what was sent is no evidence", async () => {
    const { ask, grants, log } = await openEvidence()
    log.append(Array.from({ length: 2000 }, (_, i) => ({ data: { text: randomText(i) } })))
    await log.publish()
    const answer = await ask("/v1/evidence?first=0&count=2300")
    grants.clear()
    const bytes = new Uint8Array(await answer.arrayBuffer())
    const policy = parsePolicy(`log ${log.vkey}\nquorum none\n`)
    expect((await checkEvidence(bytes, policy)).verdict).toBe("INVALID")
  })
})

/** Hardly any shorter when it is packed. */
function randomText(seed: number): string {
  let state = seed + 1
  const letter = () => {
    state = (state * 48_271) % 2_147_483_647
    return String.fromCharCode(33 + (state % 90))
  }
  return Array.from({ length: 200 }, letter).join("")
}
