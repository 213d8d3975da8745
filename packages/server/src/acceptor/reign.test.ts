import { once } from "node:events"
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { issueOdd } from "./certificates.test.support.ts"
import { closed, createPki, openDoorway, type Pki, writerId } from "./doorway.test.support.ts"
import { keyExchangeGroups } from "./index.ts"

let pki: Pki
let otherPki: Pki
const endings: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  pki = await createPki()
  otherPki = await createPki()
})

afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

async function open(options: Parameters<typeof openDoorway>[1] = {}) {
  const door = await openDoorway(pki, options)
  endings.push(door.close)
  return door
}

describe("access that is taken away", () => {
  it("cuts the connections of that identity at once, and no other", async () => {
    const denied = new Set<string>()
    const door = await open({ admit: (peer) => (denied.has(peer.id) ? "NOT_GRANTED" : undefined) })
    const other = await pki.issue("spiffe://postern.test/writer/other", "client")
    const gone = [await door.enter(pki.writer), await door.enter(pki.writer)]
    const stays = await door.enter(other)
    expect(door.acceptor.reconsider()).toBe(0)

    denied.add(writerId)
    expect(door.acceptor.reconsider()).toBe(2)
    expect(door.acceptor.count()).toBe(1)
    for (const { client, socket } of gone) {
      await closed(client)
      expect(socket.destroyed).toBe(true)
    }
    door.dial(pki.writer)
    expect((await door.refusals.next()).code).toBe("NOT_GRANTED")
    stays.socket.write("still here")
    expect(String(await once(stays.client, "data"))).toBe("still here")
  })
})

describe("new TLS material", () => {
  it("is used for new connections while live ones stay", async () => {
    const door = await open()
    const live = await door.enter(pki.writer)
    door.acceptor.setTls(otherPki.tls)
    live.socket.write("old")
    expect(String(await once(live.client, "data"))).toBe("old")

    await door.enter(otherPki.writer, { ca: otherPki.authority.certificate })
    door.dial(pki.writer, { rejectUnauthorized: false })
    expect((await door.refusals.next()).code).toBe("CERTIFICATE_REFUSED")
    // What the context does not say again it forgets; TLS 1.2 would be back.
    door.dial(otherPki.writer, { ca: otherPki.authority.certificate, maxVersion: "TLSv1.2" })
    expect((await door.refusals.next()).code).toBe("TLS_HANDSHAKE")
  })

  it("may hold two CAs, while one is being replaced by the other", async () => {
    const door = await open()
    const ca = `${pki.authority.certificate}\n${otherPki.authority.certificate}`
    door.acceptor.setTls({ ...pki.tls, ca })
    await door.enter(pki.writer)
    await door.enter(otherPki.writer)
  })

  it("is refused if anything is wrong with it, and the old stays in force", async () => {
    const day = 86_400_000
    const [early, late] = [new Date(Date.now() - 2 * day), new Date(Date.now() + 2 * day)]
    const expired = await issueOdd(pki.authority, {
      notBefore: early,
      notAfter: new Date(+early + day),
    })
    const future = await issueOdd(pki.authority, {
      notBefore: late,
      notAfter: new Date(+late + day),
    })
    const { tls } = pki
    const wrong: [string, typeof tls, RegExp][] = [
      ["a foreign key", { ...tls, key: otherPki.tls.key }, /does not belong/],
      ["no key", { ...tls, key: "" }, /not PEM/],
      ["no certificate", { ...tls, certificate: "-----BEGIN" }, /not PEM/],
      ["no CA", { ...tls, ca: "" }, /no CA certificate/],
      ["a CA of noise", { ...tls, ca: "noise" }, /no CA certificate/],
      ["a leaf as CA", { ...tls, ca: pki.writer.certificate }, /not a CA/],
      ["a broken CA", { ...tls, ca: tls.ca.replace("MI", "MX") }, /not PEM/],
      ["an expired certificate", { ...tls, ...expired }, /expired/],
      ["a future certificate", { ...tls, ...future }, /not valid yet/],
    ]
    const door = await open()
    for (const [name, tlsMaterial, detail] of wrong) {
      const attempt = () => door.acceptor.setTls(tlsMaterial)
      expect(attempt, name).toThrowError(expect.objectContaining({ code: "CONFIG_INVALID" }))
      expect(attempt, name).toThrowError(detail)
      await expect(openDoorway(pki, { tls: tlsMaterial }), name).rejects.toThrowError(detail)
    }
    await door.enter(pki.writer)
  })

  it("agrees on keys by a post-quantum group where Node has one", () => {
    const [major = 0, minor = 0] = process.versions.openssl.split(".").map(Number)
    const expected = major > 3 || (major === 3 && minor >= 5)
    expect(keyExchangeGroups()).toBe(`${expected ? "X25519MLKEM768:" : ""}X25519:P-256`)
  })
})

describe("limits", () => {
  it("hold for connections of one identity and in all, and give back what is closed", async () => {
    const door = await open({ connectionsMax: 3, connectionsPerIdentityMax: 2 })
    const other = await pki.issue("spiffe://postern.test/writer/other", "client")
    const first = await door.enter(pki.writer)
    await door.enter(pki.writer)
    door.dial(pki.writer)
    expect(await door.refusals.next()).toMatchObject({
      code: "CONNECTION_LIMIT",
      detail: "of one identity",
      id: writerId,
    })
    await door.enter(other)
    await closed(door.dialRaw())
    expect(await door.refusals.next()).toMatchObject({
      code: "CONNECTION_LIMIT",
      detail: "connections in all",
    })
    first.client.destroy()
    await closed(first.socket)
    await door.enter(pki.writer)
    expect(door.acceptor.count()).toBe(3)
  })

  it("hold for connections that were still shaking hands when the last place went", async () => {
    const door = await open({ connectionsMax: 1 })
    for (let i = 0; i < 4; i++) door.dial(pki.writer)
    await door.peers.next()
    for (let i = 0; i < 3; i++) {
      expect((await door.refusals.next()).code).toBe("CONNECTION_LIMIT")
    }
    expect(door.acceptor.count()).toBe(1)
  })

  // Other systems have no second loopback address to come from.
  it.runIf(process.platform === "linux")(
    "leave half of the handshakes to others than one silent address",
    async () => {
      const door = await open({ handshakesMax: 4, handshakeTimeoutMs: 60_000 })
      const silent: Socket[] = []
      for (let i = 0; i < 2; i++) {
        const client = door.dialRaw()
        await once(client, "connect")
        silent.push(client)
      }
      await closed(door.dialRaw())
      expect((await door.refusals.next()).code).toBe("CONNECTION_LIMIT")
      const elsewhere = connect({ host: "127.0.0.1", port: door.port, localAddress: "127.0.0.2" })
      elsewhere.on("error", () => undefined)
      await once(elsewhere, "connect")
      elsewhere.destroy()
      expect((await door.refusals.next()).detail).toMatch(/peer closed/)
      for (const client of silent) client.destroy()
      expect((await door.refusals.next()).code).toBe("TLS_HANDSHAKE")
      expect((await door.refusals.next()).code).toBe("TLS_HANDSHAKE")
      await door.enter(pki.writer)
    },
  )
})

describe("a source of handshakes", () => {
  it("begins only so many in a second, whether they fail or not", async () => {
    // All within one second of the limit's clock, however long they take by others.
    const clock = vi.spyOn(performance, "now").mockReturnValue(5_000)
    endings.push(async () => clock.mockRestore())
    const door = await open({ handshakesPerSecondMax: 3 })
    await door.enter(pki.writer)
    door.dial(undefined)
    expect((await door.refusals.next()).code).toBe("CERTIFICATE_REFUSED")
    await door.enter(pki.writer)
    await closed(door.dialRaw())
    const detail = "handshakes a second from one address"
    expect(await door.refusals.next()).toMatchObject({ code: "CONNECTION_LIMIT", detail })
  })
})

describe("stopping", () => {
  it("keeps live connections, cuts off handshakes and lets nobody in", async () => {
    const door = await open()
    const live = await door.enter(pki.writer)
    const silent = door.dialRaw()
    await once(silent, "connect")
    // The server has taken the silent one once it takes one that came after it.
    await door.enter(pki.writer)
    door.acceptor.stop()
    expect((await door.refusals.next()).code).toBe("SHUTTING_DOWN")
    await closed(silent)
    const late = door.dialRaw()
    await closed(late)
    live.socket.write("bye")
    expect(String(await once(live.client, "data"))).toBe("bye")
    await door.acceptor.close()
    expect(door.acceptor.count()).toBe(0)
    await closed(live.client)
    await door.acceptor.close()
  })
})

describe("listening", () => {
  it.each(["0.0.0.0", "::", "", "*", "0", "0x0", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0", "::%lo"])(
    "is refused on %j, which is everywhere",
    async (host) => {
      const door = await open()
      const listening = door.acceptor.listen({ host, port: 0 })
      await expect(listening).rejects.toMatchObject({ code: "BIND_REFUSED" })
    },
  )

  it.each(["8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"])(
    "is refused on %s, which is public, unless that is allowed",
    async (host) => {
      const door = await open()
      const refused = door.acceptor.listen({ host, port: 0, allow: ["wildcard"] })
      await expect(refused).rejects.toMatchObject({ code: "BIND_REFUSED" })
      // Not an address of this machine: it was tried.
      const allowed = door.acceptor.listen({ host, port: 0, allow: ["public"] })
      await expect(allowed).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    },
  )

  it("is everywhere if that is allowed", async () => {
    const door = await open()
    const bound = await door.acceptor.listen({ host: "0.0.0.0", port: 0, allow: ["wildcard"] })
    expect(bound).toMatch(/^0\.0\.0\.0:\d+$/)
  })

  it("says which address is taken or cannot be had", async () => {
    const door = await open()
    const taken = door.acceptor.listen({ host: "127.0.0.1", port: door.port })
    await expect(taken).rejects.toMatchObject({ code: "ADDRESS_IN_USE", detail: door.bound })
    const foreign = door.acceptor.listen({ host: "10.255.255.254", port: 0 })
    await expect(foreign).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      detail: "cannot listen on 10.255.255.254:0: EADDRNOTAVAIL",
    })
    for (const port of [-1, 70_000, 1.5]) {
      const wrong = door.acceptor.listen({ host: "127.0.0.1", port })
      await expect(wrong).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    }
  })

  it.runIf(process.platform === "linux")(
    "works on several addresses at a time, one limit over all",
    async () => {
      const door = await open({ connectionsMax: 2 })
      const second = await door.acceptor.listen({ host: "127.0.0.2", port: 0 })
      await door.enter(pki.writer)
      const port = Number(second.split(":").at(-1))
      const { peer } = await door.enter(pki.writer, { host: "127.0.0.2", port })
      expect(peer.from).toMatch(/^127\./)
      expect(door.acceptor.count()).toBe(2)
    },
  )

  it("without HTTP takes nobody who does not name a protocol", async () => {
    const door = await open({ protocols: ["postern/1"] })
    door.dial(pki.writer, { ALPNProtocols: [] })
    expect(await door.refusals.next()).toMatchObject({ code: "ALPN_REFUSED", id: writerId })
  })
})

describe("a unix socket", () => {
  async function directory() {
    const path = await mkdtemp(join(tmpdir(), "postern-door-"))
    endings.push(() => rm(path, { recursive: true, force: true }))
    return path
  }

  it("is a door like any other, and goes away with it", async () => {
    const path = join(await directory(), "admin.sock")
    const door = await open()
    expect(await door.acceptor.listen({ path })).toBe(path)
    const { peer, client } = await door.enter(pki.writer, { path })
    expect(peer).toMatchObject({ id: writerId, from: path })
    client.destroy()
    door.dial(undefined, { path })
    expect(await door.refusals.next()).toMatchObject({ code: "CERTIFICATE_REFUSED", from: path })
    await door.acceptor.close()
    const again = await open()
    expect(await again.acceptor.listen({ path })).toBe(path)
  })

  it("takes the place of one that nobody answers on, and of nothing else", async () => {
    const path = join(await directory(), "admin.sock")
    const door = await open()
    await writeFile(path, "precious")
    await expect(door.acceptor.listen({ path })).rejects.toThrowError(/not a socket/)
    await rm(path)

    const other = createServer().listen(path)
    await once(other, "listening")
    const busy = door.acceptor.listen({ path })
    await expect(busy).rejects.toMatchObject({ code: "ADDRESS_IN_USE", detail: path })
    await new Promise((resolve) => other.close(resolve))

    await leaveStaleSocket(path)
    expect(await door.acceptor.listen({ path })).toBe(path)
    await door.enter(pki.writer, { path })
  })

  it("is for whoever may enter its directory: the owner, or a group too", async () => {
    const group = join(await directory(), "group")
    await mkdir(group)
    await chmod(group, 0o750)
    const door = await open()
    await door.acceptor.listen({ path: join(group, "s") })
    expect((await stat(join(group, "s"))).mode & 0o777).toBe(0o660)
  })

  it("is refused where others can reach it", async () => {
    const parent = await directory()
    const open0755 = join(parent, "open")
    await mkdir(open0755)
    await chmod(open0755, 0o755)
    const open0770 = join(parent, "group")
    await mkdir(open0770)
    await chmod(open0770, 0o770)
    await mkdir(join(parent, "shut"), { mode: 0o700 })
    await symlink(join(parent, "shut"), join(parent, "link"))
    const wrong: [string, RegExp][] = [
      [join(open0755, "s"), /mode 0700/],
      [join(open0770, "s"), /0750 for a group/],
      [join(parent, "link", "s"), /not a directory/],
      [join(parent, "none", "s"), /ENOENT/],
      [join(parent, "x".repeat(100)), /103 bytes/],
    ]
    const door = await open()
    for (const [path, detail] of wrong) {
      const listening = door.acceptor.listen({ path })
      await expect(listening, path).rejects.toMatchObject({ code: "CONFIG_INVALID" })
      await expect(door.acceptor.listen({ path }), path).rejects.toThrowError(detail)
    }
  })
})

/**
 * A socket file as a killed process leaves it: moved aside before its server closes, which removes
 * the name it knows.
 */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.dying`)
  await once(server, "listening")
  const { rename } = await import("node:fs/promises")
  await rename(`${path}.dying`, path)
  await new Promise((resolve) => server.close(resolve))
}
