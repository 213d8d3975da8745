import { describe, expect, it } from "vitest"
import { Sources, sourceOf } from "./sources.ts"

describe("a source", () => {
  it("has so many under way, and gets back what has ended", () => {
    const sources = new Sources({ underWayMax: 2, perSecondMax: 100 }, () => 0)
    expect([sources.begin("a"), sources.begin("a")]).toEqual([undefined, undefined])
    expect(sources.begin("a")).toBe("under way from one address")
    expect(sources.begin("b")).toBeUndefined()
    sources.end("a")
    expect(sources.begin("a")).toBeUndefined()
  })

  it("begins so many a second, however soon they end", () => {
    let now = 5_000
    const sources = new Sources({ underWayMax: 100, perSecondMax: 3 }, () => now)
    const tries = (): unknown[] =>
      Array.from({ length: 5 }, () => {
        const refused = sources.begin("a")
        if (refused === undefined) sources.end("a")
        return refused
      })
    const three = [undefined, undefined, undefined]
    const two = Array(2).fill("a second from one address")
    expect(tries()).toEqual([...three, ...two])
    expect(sources.begin("b")).toBeUndefined()
    now += 999
    expect(tries()).toEqual([...two, ...two, ...two].slice(0, 5))
    now += 1
    expect(tries()).toEqual([...three, ...two])
  })

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::6", "2001:db8:1:2"],
    ["2001:db8::6", "2001:db8:0:0"],
    ["2001:db8::3:4:5:6", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["/run/a:b/admin.sock", "/run/a:b/admin.sock"],
  ])("%s counts as %s", (address, source) => {
    expect(sourceOf(address)).toBe(source)
  })
})
