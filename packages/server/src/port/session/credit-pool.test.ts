import { limits } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { CreditAccount } from "./credit-account.ts"
import { CreditPool } from "./credit-pool.ts"

describe("the pool", () => {
  test("lends what it has and no more", () => {
    const pool = new CreditPool(100)
    expect(pool.take(60)).toBe(true)
    expect(pool.take(41)).toBe(false)
    expect(pool.take(40)).toBe(true)
    expect(pool.left).toBe(0)
    pool.give(100)
    expect(pool.left).toBe(100)
  })

  test("keeps half of it back from those who do not need it", () => {
    const pool = new CreditPool(100)
    expect(pool.takeSpare(51)).toBe(false)
    expect(pool.takeSpare(50)).toBe(true)
    expect(pool.takeSpare(1)).toBe(false)
    expect(pool.take(50)).toBe(true)
  })

  test("lets those who wait have theirs in the order of asking, whole", () => {
    const pool = new CreditPool(100)
    const got: string[] = []
    pool.take(90)
    pool.takeWhenThere(50, () => got.push("a"))
    pool.takeWhenThere(5, () => got.push("b"))
    expect(pool.take(1)).toBe(false) // Not past those who wait.
    pool.give(39)
    expect(got).toEqual([])
    pool.give(1)
    expect(got).toEqual(["a"])
    pool.give(5)
    expect(got).toEqual(["a", "b"])
    expect(pool.left).toBe(0)
    pool.takeWhenThere(0, () => got.push("c"))
    expect(got).toEqual(["a", "b", "c"])
  })

  test("has everything back of a connection that waited for what it gave back itself", () => {
    const all = limits.creditBytesStart + 150_000
    const pool = new CreditPool(all)
    const account = new CreditAccount(pool)
    account.overdraw(100_000, () => undefined)
    account.receive(limits.creditBytesStart + 100_000)
    account.place(limits.creditBytesStart + 100_000)
    expect(account.overdraw(200_000, () => undefined)).toBe(false)
    account.grant(1, 0)
    account.close()
    expect(pool.left).toBe(all)
  })

  test("never lends more than it is, whoever takes, waits and gives back", () => {
    const step = fc.record({
      bytes: fc.nat({ max: 40 }),
      kind: fc.constantFrom("take", "wait", "give"),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pool = new CreditPool(100)
        const lent: number[] = []
        for (const { bytes, kind } of steps) {
          if (kind === "take" && pool.take(bytes)) lent.push(bytes)
          if (kind === "wait") pool.takeWhenThere(bytes, () => lent.push(bytes))
          if (kind === "give") pool.give(lent.shift() ?? 0)
          const sum = lent.reduce((all, one) => all + one, 0)
          expect(pool.left).toBe(100 - sum)
          expect(pool.left).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })
})

describe("the share of a writer", () => {
  test("ends before the pool does, and then it is that writer who has to wait", () => {
    const pool = new CreditPool()
    const one = pool.of("one")
    expect(pool.of("one")).toBe(one)
    expect(one.left).toBe(limits.creditWriterBytes)
    expect(one.take(limits.creditWriterBytes)).toBe(true)
    expect(one.take(1)).toBe(false)
    expect(one.shortage(1)).toBe("of one writer")
    const got: string[] = []
    one.takeWhenThere(10, () => got.push("one"))
    pool.of("two").takeWhenThere(10, () => got.push("two"))
    expect(got).toEqual(["two"])
    one.give(10)
    expect(got).toEqual(["two", "one"])
  })

  test("is no more than the pool has: the whole is waited for in the order of asking", () => {
    const pool = new CreditPool(100)
    const [one, two] = [pool.of("one"), pool.of("two")]
    expect(one.take(90)).toBe(true)
    const got: string[] = []
    two.takeWhenThere(20, () => got.push("two"))
    one.takeWhenThere(10, () => got.push("one"))
    expect(two.shortage(1)).toBe("of one writer") // Behind its own that waits.
    expect(pool.of("three").take(1)).toBe(false)
    expect(pool.of("three").shortage(1)).toBe("in all")
    one.give(10)
    expect(got).toEqual(["two"])
    two.give(20)
    expect(got).toEqual(["two", "one"])
  })

  test("is given windows only up to half of the whole, together with all others", () => {
    const pool = new CreditPool(100)
    const [one, two] = [pool.of("one"), pool.of("two")]
    expect(one.takeSpare(51)).toBe(false)
    expect(one.takeSpare(30)).toBe(true)
    expect(two.takeSpare(21)).toBe(false)
    expect(two.takeSpare(20)).toBe(true)
  })

  test("adds up, whoever takes, waits and gives back", () => {
    const step = fc.record({
      bytes: fc.nat({ max: 40 }),
      who: fc.constantFrom("one", "two"),
      kind: fc.constantFrom("take", "wait", "give"),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pool = new CreditPool(100)
        const lent: Record<string, number[]> = { one: [], two: [] }
        const sum = (who: string): number => lent[who]?.reduce((all, one) => all + one, 0) ?? 0
        for (const { bytes, who, kind } of steps) {
          const share = pool.of(who)
          if (kind === "take" && share.take(bytes)) lent[who]?.push(bytes)
          if (kind === "wait") share.takeWhenThere(bytes, () => lent[who]?.push(bytes))
          if (kind === "give") share.give(lent[who]?.shift() ?? 0)
          expect(pool.left).toBe(100 - sum("one") - sum("two"))
          expect(pool.of("one").left).toBe(100 - sum("one"))
          expect(pool.left).toBeGreaterThanOrEqual(0)
        }
        for (let turns = 0; turns < 200; turns++) {
          for (const who of ["one", "two"]) pool.of(who).give(lent[who]?.shift() ?? 0)
        }
        expect([pool.left, pool.of("one").left, pool.of("two").left]).toEqual([100, 100, 100])
      }),
    )
  })
})

describe("a connection's account", () => {
  test("begins with a small window and doubles it with use, while the pool is well filled", () => {
    const pool = new CreditPool()
    const account = new CreditAccount(pool)
    const windows: number[] = []
    let sent = 0
    for (let i = 0; i < 40; i++) {
      const before = account.granted
      while (account.receive(16_384)) {
        account.place(16_384)
        sent += 16_384
      }
      expect(sent).toBeGreaterThanOrEqual(before)
      const batches = Math.ceil((sent - (windows.at(-1) ?? 0)) / 16_384)
      account.grant(batches, 0)
      windows.push(sent)
    }
    expect(account.granted - sent).toBe(limits.creditBytesMax)
    expect(pool.left).toBe(limits.creditPoolBytes - limits.creditBytesMax)
    account.close()
    expect(pool.left).toBe(limits.creditPoolBytes)
  })

  test("stays small for one who sends little", () => {
    const pool = new CreditPool()
    const account = new CreditAccount(pool)
    for (let i = 0; i < 100; i++) {
      expect(account.receive(500)).toBe(true)
      account.place(500)
      account.grant(1, 0)
    }
    expect(pool.left).toBe(limits.creditPoolBytes - limits.creditBytesStart)
    expect(account.granted).toBe(limits.creditBytesStart + 100 * 500)
  })

  test("stays small while the pool is not well filled", () => {
    const pool = new CreditPool(3 * limits.creditBytesStart)
    const account = new CreditAccount(pool)
    account.receive(limits.creditBytesStart)
    account.place(limits.creditBytesStart)
    account.grant(1, 0)
    expect(account.granted).toBe(2 * limits.creditBytesStart)
    expect(pool.left).toBe(2 * limits.creditBytesStart)
  })

  test("is not opened by an empty pool, and then gives nothing back", () => {
    const pool = new CreditPool(limits.creditBytesStart - 1)
    const account = new CreditAccount(pool)
    expect(account.isOpen).toBe(false)
    account.close()
    expect(pool.left).toBe(limits.creditBytesStart - 1)
  })

  test("lets a frame begin with one byte of credit, and the next one not", () => {
    const account = new CreditAccount(new CreditPool())
    expect(account.receive(limits.creditBytesStart - 1)).toBe(true)
    expect(account.receive(limits.frameBytesMax)).toBe(true)
    expect(account.receive(1)).toBe(false)
    expect(account.beyond(0)).toBe(limits.frameBytesMax - 1)
  })

  test("waits for the room of a frame that goes beyond, and gives it back when that is durable", () => {
    const pool = new CreditPool(200_000)
    const account = new CreditAccount(pool)
    const left = pool.left
    pool.take(left)
    let went = 0
    expect(account.overdraw(70_000, () => went++)).toBe(false)
    pool.give(69_999)
    expect(went).toBe(0)
    pool.give(1)
    expect(went).toBe(1)
    expect(account.overdraw(70_000, () => went++)).toBe(true) // It has that already.
    expect(went).toBe(1)
    account.receive(limits.creditBytesStart + 70_000)
    account.place(limits.creditBytesStart + 70_000)
    expect(pool.left).toBe(0)
    account.grant(1, 0)
    expect(pool.left).toBe(70_000)
    account.close()
    expect(pool.left).toBe(200_000 - (left - 70_000))
  })

  test("that was closed while it waited gives the room straight back", () => {
    const pool = new CreditPool(100_000)
    const account = new CreditAccount(pool)
    let went = 0
    expect(account.overdraw(50_000, () => went++)).toBe(false)
    account.close()
    expect(pool.left).toBe(100_000)
    expect(went).toBe(0)
    expect(pool.take(100_000)).toBe(true)
  })

  test("gives everything back in the end, whatever was sent and acknowledged", () => {
    const step = fc.record({
      kind: fc.constantFrom("frame", "frame", "begin", "grant"),
      bytes: fc.constantFrom(100, 20_000, 60_000, 300_000, 1_048_576),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = new CreditPool(4_000_000)
        const accounts = [new CreditAccount(pool), new CreditAccount(pool)]
        const inFlight = accounts.map(() => 0)
        for (const [i, { kind, bytes }] of steps.entries()) {
          const which = i % 2
          const account = accounts[which] as CreditAccount
          if (kind === "begin") account.overdraw(account.beyond(bytes), () => undefined)
          if (kind === "frame" && account.receive(bytes)) {
            account.place(bytes)
            inFlight[which] = (inFlight[which] ?? 0) + 1
          }
          if (kind === "grant") {
            account.grant(inFlight[which] ?? 0, 0)
            inFlight[which] = 0
          }
          expect(pool.left).toBeGreaterThanOrEqual(0)
        }
        for (const account of accounts) account.close()
        expect(pool.left).toBe(4_000_000)
      }),
    )
  })
})
