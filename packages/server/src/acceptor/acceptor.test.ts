import { createHash, X509Certificate } from "node:crypto"
import { once } from "node:events"
import type { ConnectionOptions, TLSSocket } from "node:tls"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { createAuthority, type KeyPair } from "../guard/pki/index.ts"
import type { Refusal } from "./api.ts"
import {
  createWeakKeys,
  issueOdd,
  type Oddities,
  serverUsage,
} from "./certificates.test.support.ts"
import { closed, createPki, openDoorway, type Pki, writerId } from "./doorway.test.support.ts"

let pki: Pki
let door: Awaited<ReturnType<typeof openDoorway>>

beforeAll(async () => {
  pki = await createPki()
  door = await openDoorway(pki, {
    admit: (peer) => (peer.id.includes("/reader/") ? "NOT_GRANTED" : undefined),
    handshakeTimeoutMs: 20_000,
  })
})

afterEach(() => vi.useRealTimers())

afterAll(async () => {
  expect(door.refusals.waiting).toBe(0)
  expect(door.peers.waiting).toBe(0)
  await door.close()
})

/** The door still works after whatever happened before it. */
async function expectOpen() {
  const { client, peer, socket } = await door.enter(pki.writer)
  expect(peer.id).toBe(writerId)
  client.destroy()
  await closed(socket)
}

describe("a peer who is let in", () => {
  it("is known by its certificate, its address and its protocol", async () => {
    const { client, peer, socket } = await door.enter(pki.writer)
    const certificate = new X509Certificate(pki.writer.certificate)
    const authority = new X509Certificate(pki.authority.certificate)
    expect(peer).toEqual({
      id: writerId,
      authority: authority.fingerprint256.replaceAll(":", "").toLowerCase(),
      certificate: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      shown: new Uint8Array(certificate.raw),
      publicKey: certificate.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
      key: createHash("sha256")
        .update(certificate.publicKey.export({ type: "spki", format: "der" }))
        .digest("hex"),
      serial: certificate.serialNumber.toLowerCase(),
      notAfter: certificate.validToDate,
      from: `127.0.0.1:${client.localPort}`,
      protocol: "postern/1",
    })
    expect(door.acceptor.count()).toBe(1)
    socket.write("hello")
    expect(String(await once(client, "data"))).toBe("hello")
    client.destroy()
    await closed(socket)
    expect(door.acceptor.count()).toBe(0)
  })

  it("speaks http/1.1 if it offers nothing, else what this side prefers of its offer", async () => {
    const offers: [string[] | undefined, string][] = [
      [undefined, "http/1.1"],
      [["http/1.1"], "http/1.1"],
      [["http/1.1", "postern/1"], "postern/1"],
      [["h2", "http/1.1"], "http/1.1"],
    ]
    for (const [offered, expected] of offers) {
      const more = offered === undefined ? { ALPNProtocols: [] } : { ALPNProtocols: offered }
      const { client, peer, socket } = await door.enter(pki.writer, more)
      expect(peer.protocol).toBe(expected)
      client.destroy()
      await closed(socket)
    }
  })

  it("speaks TLS 1.3 and never resumes a session", async () => {
    const first = door.dial(pki.writer)
    const [session] = await once(first, "session")
    expect(first.getProtocol()).toBe("TLSv1.3")
    const { socket } = await door.peers.next()
    first.destroy()
    await closed(socket)
    const second = await door.enter(pki.writer, { session })
    expect(second.client.isSessionReused()).toBe(false)
    second.client.destroy()
    await closed(second.socket)
  })
})

describe("a certificate is refused, with its reason, that", () => {
  const hour = 3_600_000
  const url = (value: string) => ({ type: "url" as const, value })
  const plain = "spiffe://postern.test/writer/odd"
  const odd: [string, Oddities, RegExp][] = [
    ["has expired", { notAfter: new Date(Date.now() - hour) }, /CERT_HAS_EXPIRED/],
    [
      "is not valid yet",
      { notBefore: new Date(Date.now() + hour), notAfter: new Date(Date.now() + 2 * hour) },
      /CERT_NOT_YET_VALID/,
    ],
    ["is for servers", { usages: [serverUsage] }, /INVALID_PURPOSE/],
    ["has no usage", { usages: undefined }, /clientAuth/],
    ["is a CA's", { isCa: true }, /CA certificate|INVALID/],
    ["has two URIs", { names: [url(plain), url("spiffe://postern.test/admin")] }, /2 URI/],
    [
      "has no URI",
      { names: [{ type: "dns", value: "app.postern.test" }], subject: plain },
      /0 URI/,
    ],
    [
      "names another trust domain",
      { names: [url("spiffe://evil.test/writer")] },
      /reason without a name/,
    ],
    ["hides a URI behind a comma", { names: [url(`${plain}, URI:${plain}`)] }, /unusual/],
    [
      "goes up a directory",
      { names: [url("spiffe://postern.test/writer/../admin")] },
      /not a SPIFFE/,
    ],
    ["shouts", { names: [url("spiffe://postern.test/writer/%61pp")] }, /not a SPIFFE/],
    ["has a query", { names: [url(`${plain}?role=admin`)] }, /not a SPIFFE/],
    ["holds a NUL", { names: [url(`${plain}\0`)] }, /unusual|not a SPIFFE/],
  ]
  it.each(odd)("%s", async (_name, oddities, detail) => {
    const certificate = await issueOdd(pki.authority, oddities)
    await expectRefusal(certificate, {}, "CERTIFICATE_REFUSED", detail)
  })

  it("is not there", () => expectRefusal(undefined, {}, "CERTIFICATE_REFUSED", /none was shown/))

  it("comes from a CA with the same name", async () => {
    const foreign = await createAuthority({ trustDomain: "postern.test", now: new Date() })
    const refusal = await expectRefusal(
      await issueOdd(foreign, { names: [url(writerId)] }),
      {},
      "CERTIFICATE_REFUSED",
      /SIGNATURE|ISSUER/,
    )
    expect(refusal.id).toBe(writerId) // Claimed, and said so by the code.
  })

  it("signs for itself with a leaf that is none", async () => {
    const leaf = await issueOdd(pki.authority, {})
    const below = await issueOdd(leaf, { subject: "below" })
    const chain = { key: below.key, certificate: `${below.certificate}\n${leaf.certificate}` }
    await expectRefusal(chain, {}, "CERTIFICATE_REFUSED", /INVALID_CA|PURPOSE|PATH_LENGTH/)
  })

  it("has a key of 1024 bits", async () => {
    const weak = await issueOdd(pki.authority, { keys: await createWeakKeys() })
    // This side's OpenSSL will not send such a certificate unless told so; the other side is not
    // told.
    await expectRefusal(
      weak,
      { ciphers: "DEFAULT@SECLEVEL=0" },
      "CERTIFICATE_REFUSED",
      /KEY_TOO_SMALL|reason without a name/,
    )
  })

  it("holds no grant", async () => {
    const id = "spiffe://postern.test/reader/auditor"
    const refusal = await expectRefusal(await pki.issue(id, "client"), {}, "NOT_GRANTED", /^/)
    expect(refusal.id).toBe(id)
  })

  async function expectRefusal(
    identity: KeyPair | undefined,
    more: ConnectionOptions,
    code: Refusal["code"],
    detail: RegExp,
  ): Promise<Refusal> {
    const client = door.dial(identity, more)
    const refusal = await door.refusals.next()
    expect(refusal).toMatchObject({ code, detail: expect.stringMatching(detail) })
    expect(refusal.detail).toMatch(/^[\x20-\x7e]{0,200}$/)
    await closed(client)
    expect(refusal.from).toMatch(/^127\.0\.0\.1:\d+$/)
    await expectOpen()
    return refusal
  }
})

describe("a handshake fails without harm to others", () => {
  it.each<[string, ConnectionOptions, string, RegExp]>([
    ["in TLS 1.2", { maxVersion: "TLSv1.2" }, "TLS_HANDSHAKE", /UNSUPPORTED_PROTOCOL/],
    ["in another protocol", { ALPNProtocols: ["h2"] }, "ALPN_REFUSED", /APPLICATION_PROTOCOL/],
    ["in a thousand", { ALPNProtocols: manyProtocols() }, "ALPN_REFUSED", /APPLICATION_PROTOCOL/],
    ["in a weak group", { ecdhCurve: "P-521" }, "TLS_HANDSHAKE", /KEY_SHARE|SHARED_GROUP/],
  ])("%s", async (_name, more, code, detail) => {
    const client = door.dial(pki.writer, more)
    const refusal = await door.refusals.next()
    expect(refusal).toMatchObject({ code, detail: expect.stringMatching(detail) })
    await closed(client)
    await expectOpen()
  })

  it.each<[string, string, RegExp]>([
    ["in plain HTTP", "POST /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", /HTTP_REQUEST/],
    ["in syslog", "<34>1 2026-11-22T00:00:00Z host app - - - hello\n", /ERR_SSL/],
    ["in SSH", "SSH-2.0-OpenSSH_9.2\r\n", /ERR_SSL/],
  ])("%s", async (_name, text, detail) => {
    const client = door.dialRaw()
    client.write(Buffer.from(text, "latin1"))
    const refusal = await door.refusals.next()
    expect(refusal).toMatchObject({
      code: "TLS_HANDSHAKE",
      detail: expect.stringMatching(detail),
    })
    await closed(client)
    await expectOpen()
  })

  it.each<[string, string | undefined]>([
    ["in an old hello", "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x01"],
    ["in silence", undefined],
  ])("%s, which has its time and no more", async (_name, text) => {
    // Handshakes that are let in take as long as they take: only the time that is told passes.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const client = door.dialRaw()
    await once(client, "connect")
    if (text !== undefined) client.write(Buffer.from(text, "latin1"))
    // The door has taken this one once it takes one that came after it.
    await expectOpen()
    vi.advanceTimersByTime(19_999)
    expect(door.refusals.waiting).toBe(0)
    vi.advanceTimersByTime(1)
    expect(await door.refusals.next()).toMatchObject({
      code: "TLS_HANDSHAKE",
      detail: "not completed in 20000 ms",
    })
    await closed(client)
    await expectOpen()
  })

  it("one byte at a time, which keeps no connection alive beyond its time", async () => {
    const client = door.dialRaw()
    const drip = setInterval(() => client.write("\x16"), 20)
    const refusal = await door.refusals.next()
    clearInterval(drip)
    expect(refusal.code).toBe("TLS_HANDSHAKE")
    await closed(client)
    await expectOpen()
  })

  it("when the peer goes away in the middle, politely or not", async () => {
    for (const leave of ["end", "resetAndDestroy"] as const) {
      const client = door.dialRaw()
      await once(client, "connect")
      client.write(Buffer.from("\x16\x03\x01\x02\x00\x01\x00", "latin1"), () => client[leave]())
      expect((await door.refusals.next()).code).toBe("TLS_HANDSHAKE")
    }
    await expectOpen()
  })
})

it("a reset right after the handshake ends that connection only", async () => {
  let seen: (socket?: TLSSocket) => void = () => undefined
  const hurried = await openDoorway(pki, {
    onPeer: (socket) => seen(socket),
    onRefused: () => seen(),
  })
  for (let i = 0; i < 10; i++) {
    // The reset may overtake the server's side of the handshake; either way somebody is told, once.
    const told = new Promise<TLSSocket | undefined>((resolve) => {
      seen = resolve
    })
    const raw = hurried.dialRaw()
    await once(raw, "connect")
    await once(hurried.dial(pki.writer, { socket: raw }), "secureConnect")
    raw.resetAndDestroy()
    const socket = await told
    if (socket !== undefined) await closed(socket)
    expect(hurried.acceptor.count()).toBe(0)
  }
  await hurried.close()
})

it("a record that is none of TLS 1.3 ends the connection at once", async () => {
  const raw = door.dialRaw()
  await once(raw, "connect")
  const { client, socket } = await door.enter(pki.writer, { socket: raw })
  // A ClientHello in the clear begins like this: what renegotiation was.
  raw.write(Buffer.from("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", "latin1"))
  await Promise.all([closed(socket), closed(client)])
  await expectOpen()
})

function manyProtocols(): string[] {
  return Array.from({ length: 1000 }, (_, i) => `x-${i}`)
}
