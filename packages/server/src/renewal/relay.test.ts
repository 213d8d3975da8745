import { X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { beforeEach, describe, expect, test } from "vitest"
import { certifyKey, createAuthority, issueCertificate } from "../guard/pki/index.ts"
import {
  openRenewalRelay,
  parseAskedRenewal,
  parseCertificateRequest,
  type Renewed,
  RequestPace,
} from "./index.ts"
import { newRequest } from "./requests.test.support.ts"

const id = "spiffe://postern.test/writer/app"
const made = new Date("2026-01-01T00:00:00Z")
const dayMs = 86_400_000
const authority = await createAuthority({ trustDomain: "postern.test", now: made })
const stranger = await createAuthority({ trustDomain: "postern.test", now: made })
const old = await issueCertificate({ authority, id, usage: "client", now: made, days: 10 })
const shown = new Uint8Array(new X509Certificate(old.certificate).raw)

/** A relay whose courier issues as it should, unless a test says otherwise. */
function openDesk(hasAuthority = true) {
  const renewed: Renewed[] = []
  const failed: PosternError[] = []
  const world = {
    now: made.getTime() + 5 * dayMs,
    refusal: undefined as "CERTIFICATE_REVOKED" | "NOT_GRANTED" | undefined,
    certify: {} as Partial<Parameters<typeof certifyKey>[0]>,
    key: undefined as Uint8Array | undefined,
    answer: undefined as unknown,
    asks: 0,
    meanwhile: () => undefined as unknown,
  }
  const relay = openRenewalRelay({
    plane: "write",
    hasAuthority,
    authorities: () => authority.certificate,
    refusalOf: () => world.refusal,
    now: () => world.now,
    renewed: (facts) => renewed.push(facts),
    failed: (error) => failed.push(error),
    asking: {
      async ask(kind, body) {
        world.asks += 1
        world.meanwhile()
        if (world.answer !== undefined) return world.answer
        expect(kind).toBe("certificate")
        const asked = parseAskedRenewal(body)
        const key = world.key ?? parseCertificateRequest(asked.request).spki
        const options = {
          authority,
          id,
          usage: "client",
          now: new Date(world.now),
          days: 10,
        } as const
        return { certificate: await certifyKey({ ...options, ...world.certify }, key) }
      },
    },
  })
  return { relay, renewed, failed, world }
}

let desk: ReturnType<typeof openDesk>
beforeEach(() => {
  desk = openDesk()
})

const code = (name: string) => expect.objectContaining({ code: name })

describe("the relay", () => {
  test("gives a certificate for the connection's identity and the request's key, and says so", async () => {
    const request = newRequest()
    const text = await desk.relay.renew({ id, shown }, request)
    const certificate = new X509Certificate(text)
    expect(certificate.subjectAltName).toBe(`URI:${id}`)
    expect(certificate.publicKey.equals(parseCertificateRequest(request).publicKey)).toBe(true)
    expect(desk.renewed).toMatchObject([{ id, plane: "write" }])
    const before = new X509Certificate(old.certificate).serialNumber.toLowerCase()
    expect(desk.renewed[0]?.previous).toBe(before.replace(/^0+/, ""))
  })

  test("takes what it gave on a connection for that connection's certificate from then on", async () => {
    const peer = { id, shown }
    await desk.relay.renew(peer, newRequest())
    await expect(desk.relay.renew(peer, newRequest())).rejects.toEqual(code("RENEWAL_EARLY"))
    desk.world.now += 8 * dayMs // The one that was shown has expired by now.
    await desk.relay.renew(peer, newRequest())
    const late = desk.relay.renew({ id, shown }, newRequest())
    await expect(late).rejects.toMatchObject({ code: "CERTIFICATE_REFUSED" })
    expect(desk.renewed).toHaveLength(2)
    expect(desk.renewed[1]?.previous).toBe(desk.renewed[0]?.serial)
  })

  test("gives none before a third of its life, and says when", async () => {
    desk.world.now = made.getTime() + 3 * dayMs
    const early = desk.relay.renew({ id, shown }, newRequest())
    await expect(early).rejects.toMatchObject({
      code: "RENEWAL_EARLY",
      detail: "from 2026-01-04T07:56:40.000Z on",
    })
    expect(desk.world.asks).toBe(0)
  })

  test("gives none to somebody revoked or without a grant, also if that came meanwhile", async () => {
    desk.world.refusal = "CERTIFICATE_REVOKED"
    const revoked = desk.relay.renew({ id, shown }, newRequest())
    await expect(revoked).rejects.toEqual(code("CERTIFICATE_REVOKED"))
    expect(desk.world.asks).toBe(0)
    desk.world.refusal = undefined
    desk.world.meanwhile = () => {
      desk.world.refusal = "NOT_GRANTED"
    }
    const gone = desk.relay.renew({ id, shown }, newRequest())
    await expect(gone).rejects.toEqual(code("NOT_GRANTED"))
    expect(desk.renewed).toEqual([])
  })

  test("says at once that there is no CA here, where there is none", async () => {
    const { relay, world } = openDesk(false)
    await expect(relay.renew({ id, shown }, newRequest())).rejects.toMatchObject({
      code: "RENEWAL_REFUSED",
      detail: "this installation has no CA",
    })
    expect(world.asks).toBe(0)
  })

  test("gives none for garbage, and none for the old key", async () => {
    const garbage = desk.relay.renew({ id, shown }, new Uint8Array(100).fill(0x30))
    await expect(garbage).rejects.toEqual(code("RENEWAL_REFUSED"))
    const request = newRequest()
    const own = await certifyKey(
      { authority, id, usage: "client", now: made, days: 10 },
      parseCertificateRequest(request).spki,
    )
    const same = desk.relay.renew({ id, shown: new X509Certificate(own).raw }, request)
    await expect(same).rejects.toMatchObject({
      detail: "its key is the one of the old certificate",
    })
    expect(desk.world.asks).toBe(0)
  })

  test("asks for one identity so many times an hour, whatever becomes of it", async () => {
    desk.world.answer = {}
    for (let times = 0; times < RequestPace.requestsMax; times++) {
      const failed = desk.relay.renew({ id, shown }, newRequest())
      await expect(failed).rejects.toEqual(code("RENEWAL_FAILED"))
    }
    const often = desk.relay.renew({ id, shown }, newRequest())
    await expect(often).rejects.toEqual(code("RATE_LIMITED"))
    expect(desk.world.asks).toBe(RequestPace.requestsMax)
    desk.world.answer = undefined
    desk.world.now += 3_600_000
    await desk.relay.renew({ id, shown }, newRequest())
  })

  test("hands on what the courier refused with", async () => {
    desk.world.meanwhile = () => {
      throw new PosternError("UNANSWERED")
    }
    const refused = desk.relay.renew({ id, shown }, newRequest())
    await expect(refused).rejects.toEqual(code("UNANSWERED"))
    expect(desk.failed).toEqual([])
  })

  const other = parseCertificateRequest(newRequest()).spki
  test.each<[string, Partial<ReturnType<typeof openDesk>["world"]>]>([
    ["it is of another identity", { certify: { id: `${id}2` } }],
    ["it is of another key", { key: other }],
    ["no CA of pki.ca issued it", { certify: { authority: stranger } }],
    ["it lives longer than the one before", { certify: { days: 20 } }],
    ["it has expired", { certify: { now: made, days: 1 } }],
    ["it is not valid yet", { certify: { now: new Date("2027-01-01") } }],
    ["not made for clients", { certify: { usage: "server" } }],
    ["holds no certificate", { answer: { certificate: 7 } }],
    ["holds no certificate", { answer: null }],
  ])("does not pass on an answer of which it finds: %s", async (fault, change) => {
    Object.assign(desk.world, change)
    const wrong = desk.relay.renew({ id, shown }, newRequest())
    await expect(wrong).rejects.toMatchObject({
      code: "RENEWAL_FAILED",
      detail: expect.stringContaining(fault),
    })
    expect(desk.failed).toHaveLength(1)
    expect(desk.renewed).toEqual([])
  })
})

test.each([
  null,
  {},
  { request: "AA==" },
  { request: "AA==", certificate: "AA==", more: 1 },
  { request: "", certificate: "AA==" },
  { request: "AA==", certificate: "A" },
  { request: Buffer.alloc(4097).toString("base64"), certificate: "AA==" },
])("what another process asks is read strictly: %j", (body) => {
  expect(() => parseAskedRenewal(body)).toThrow(code("REQUEST_INVALID"))
})
