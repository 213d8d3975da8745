import { describe, expect, it } from "vitest"
import { createPki, openDoorway } from "./doorway.test.support.ts"
import { AuthorityUses, type Peer, parseAuthorityUses } from "./index.ts"

const peer = (authority: string, id: string) => ({ authority, id }) as Peer

function open(text?: string) {
  const written: string[] = []
  const uses = new AuthorityUses(text, async (next) => void written.push(next))
  const last = () => parseAuthorityUses(written.at(-1) ?? "")
  return { uses, written, last }
}

describe("the uses of CAs", () => {
  it("are the newest of each identity and CA, and outlive the process", async () => {
    const { uses, last, written } = open()
    uses.see(peer("aa", "one"), 1000)
    uses.see(peer("bb", "one"), 2000)
    uses.see(peer("aa", "one"), 3000)
    await uses.keep([], 4000)
    const all = [
      { authority: "aa", id: "one", atMs: 3000 },
      { authority: "bb", id: "one", atMs: 2000 },
    ]
    expect(last()).toEqual(all)
    const again = open(written.at(-1))
    await again.uses.keep([], 5000)
    expect(again.last()).toEqual(all)
  })

  it("count a connection for as long as it lives", async () => {
    const { uses, last, written } = open()
    const live = [peer("aa", "one")]
    await uses.look(live, 0)
    await uses.look(live, 59_000)
    expect(written).toHaveLength(1)
    await uses.look(live, 60_000)
    expect(last()).toMatchObject([{ atMs: 60_000 }])
  })

  it("of somebody who came are written down within seconds, and not at every look", async () => {
    const { uses, written } = open()
    await uses.look([], 0)
    uses.see(peer("aa", "one"), 100)
    await uses.look([], 1000)
    expect(written).toHaveLength(1)
    await uses.look([], 5000)
    expect(written).toHaveLength(2)
  })

  it("that cannot be read are none, and are forgotten in time", async () => {
    for (const text of ["", "{", "[]", "null", '{"postern":"authorities@v1","uses":[1,null]}']) {
      expect(parseAuthorityUses(text)).toEqual([])
    }
    const { uses, last } = open()
    uses.see(peer("aa", "one"), 0)
    await uses.keep([], 401 * 86_400_000)
    expect(last()).toEqual([])
  })
})

describe("a peer", () => {
  it("is known by the CA whose key signed for it, though both have one name", async () => {
    const [first, second] = [await createPki(), await createPki()]
    const ca = `${first.tls.ca}\n${second.tls.ca}`
    const door = await openDoorway({ ...first, tls: { ...first.tls, ca } })
    const one = await door.enter(first.writer)
    const two = await door.enter(second.writer)
    expect(one.peer.authority).toMatch(/^[0-9a-f]{64}$/)
    expect(two.peer.authority).not.toBe(one.peer.authority)
    expect([...door.acceptor.peers()]).toHaveLength(2)
    await door.close()
  })
})
