import { beforeEach, describe, expect, test, vi } from "vitest"
import type { Profile } from "../profile.ts"
import {
  keyOfPrivate,
  keyOfRequest,
  openAuthority,
  type Wanted,
  writerId,
} from "./authority.test.support.ts"
import { createPair, memoryHolder, type ProfileHolder, Renewal, type RenewedPair } from "./index.ts"

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const begin = Date.parse("2026-01-01T00:00:00Z")
const [ours, strangers] = await Promise.all([openAuthority(), openAuthority()])

const otherKey = keyOfPrivate((await createPair()).key)

/** Time passes when a test says so. */
class Clock {
  now = begin
  readonly timers = new Map<object, { readonly due: number; run(): void }>()
  longest = 0
  nowMs = () => this.now
  random = () => 0
  startTimer = (run: () => void, delayMs: number) => {
    const key = {}
    this.longest = Math.max(this.longest, delayMs)
    this.timers.set(key, { due: this.now + delayMs, run })
    return { cancel: () => void this.timers.delete(key), hold: () => undefined }
  }
  /** Goes to this share of ten days. */
  to(share: number): void {
    this.now = begin + share * 10 * dayMs
    for (const [key, { due, run }] of this.timers) {
      if (due > this.now || !this.timers.delete(key)) continue
      run()
    }
  }
}

async function profileOf(fromMs = begin, toMs = begin + 10 * dayMs): Promise<Profile> {
  const { key } = await createPair()
  const certificate = await ours.certify({ fromMs, toMs, spki: keyOfPrivate(key) })
  return {
    ...{ role: "writer", id: writerId, server: "spiffe://postern.test/server", address: "h:1" },
    ...{ log: { origin: "o", vkey: "o+1" }, ca: ours.certificate, certificate, key },
  }
}

let clock: Clock
let told: string[]
let kept: RenewedPair[]
beforeEach(() => {
  clock = new Clock()
  told = []
  kept = []
})

const tell = (code: string, detail: string) => void told.push(`${code}: ${detail}`)

async function open(more: Partial<Wanted> = {}, authority = ours) {
  const profile = await profileOf()
  const holder = memoryHolder(profile, (pair) => void kept.push(pair))
  const renewal = new Renewal(holder, clock, tell)
  const line = {
    shown: profile.certificate,
    asks: 0,
    reconnects: 0,
    answer: undefined as string | Error | undefined,
    async ask(request: Uint8Array) {
      line.asks += 1
      if (line.answer instanceof Error) throw line.answer
      if (line.answer !== undefined) return line.answer
      const life = { fromMs: clock.now, toMs: clock.now + 10 * dayMs }
      return authority.certify({ ...life, spki: keyOfRequest(request), ...more })
    },
    reconnect() {
      line.reconnects += 1
    },
  }
  return { profile, holder, renewal, line }
}

/** Until the attempt that is under way has ended. */
const settled = (of: { asks: number }, asks: number, until: () => boolean) =>
  vi.waitFor(() => expect([of.asks, until()]).toEqual([asks, true]), 10_000)

describe("a certificate is renewed", () => {
  test("at half of its life, not before, and the next one at half of its own, on the same connection", async () => {
    const { renewal, line, holder } = await open()
    renewal.begin(line)
    clock.to(0.49)
    expect(line.asks).toBe(0)
    clock.to(0.5)
    await settled(line, 1, () => kept.length === 1)
    expect(holder.read()).toMatchObject(kept[0] as RenewedPair)
    clock.to(0.99)
    expect(line.asks).toBe(1)
    clock.to(1.01)
    await settled(line, 2, () => kept.length === 2)
    expect(kept[1]?.key).not.toBe(kept[0]?.key)
    expect([line.reconnects, told]).toEqual([0, []])
  })

  test("at once where it is overdue, and no timer is longer than a day", async () => {
    const { renewal, line } = await open()
    clock.now = begin + 9 * dayMs
    renewal.begin(line)
    await settled(line, 1, () => kept.length === 1)
    expect(told).toEqual([])
    expect(clock.longest).toBeLessThanOrEqual(dayMs)
  })

  test("over a connection that shows it: another one in the profile is shown first", async () => {
    const { renewal, line } = await open()
    renewal.begin({ ...line, shown: (await profileOf()).certificate, reconnect: line.reconnect })
    clock.to(0.5)
    expect([line.reconnects, line.asks]).toEqual([1, 0])
    renewal.begin(line)
    await settled(line, 1, () => kept.length === 1)
  })

  test("not while it is stopped, and what is under way is waited for", async () => {
    const { renewal, line } = await open()
    renewal.begin(line)
    clock.to(0.5)
    await renewal.stop(1_000_000)
    expect(kept).toHaveLength(1)
    clock.to(1.5)
    expect(line.asks).toBe(1)
  })
})

describe("what comes back is not kept", () => {
  const life = { fromMs: begin, toMs: begin + 20 * dayMs }
  test.each<[string, Partial<Wanted>, typeof ours]>([
    ["it is for another key", { spki: otherKey }, ours],
    [`it is not of ${writerId}`, { id: `${writerId}2` }, ours],
    ["no CA of the profile issued it", {}, strangers],
    ["it is not made for clients", { usage: "1.3.6.1.5.5.7.3.1" }, ours],
    ["it is not valid now", { ...life, toMs: begin + dayMs }, ours],
    ["it is not valid now", { ...life, fromMs: begin + 19 * dayMs }, ours],
  ])(
    "if %s; it is asked for again, and told when little is left",
    async (fault, more, authority) => {
      const { renewal, line, holder, profile } = await open(more, authority)
      renewal.begin(line)
      clock.to(0.5)
      await settled(line, 1, () => !renewal.isAsking)
      expect(told).toEqual([])
      clock.to(0.81)
      await settled(line, 2, () => told.length > 0)
      expect(told[0]).toBe(
        `RENEWAL_LATE: it ends 2026-01-11T00:00:00.000Z; RENEWAL_FAILED: ${fault}`,
      )
      expect([kept, holder.read()]).toEqual([[], profile])
    },
  )

  test("if it is no certificate", async () => {
    const { renewal, line } = await open()
    line.answer = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    renewal.begin(line)
    clock.to(0.85)
    await settled(line, 1, () => told.length > 0)
    expect(told[0]).toContain("it is not a certificate in PEM")
    expect(kept).toEqual([])
  })
})

describe("what cannot be renewed", () => {
  test("is tried again after a minute, then twice as long, at most an hour", async () => {
    const { renewal, line } = await open()
    line.answer = new Error("down")
    renewal.begin(line)
    clock.to(0.5)
    let pause = 60_000
    for (let asks = 1; asks <= 9; asks++) {
      await settled(line, asks, () => !renewal.isAsking && clock.timers.size > 0)
      const next = Math.min(...[...clock.timers.values()].map(({ due }) => due)) - clock.now
      expect(next).toBe(pause)
      pause = Math.min(2 * pause, hourMs)
      clock.to((clock.now + next - begin) / (10 * dayMs))
    }
  })

  test("is told once, when there was nobody to ask", async () => {
    const { renewal, line } = await open()
    renewal.begin({ ...line, reconnect: line.reconnect })
    renewal.end()
    clock.to(0.6)
    expect(told).toEqual([])
    clock.to(0.8)
    clock.to(0.9)
    expect(told).toEqual([
      "RENEWAL_LATE: it ends 2026-01-11T00:00:00.000Z; there was no connection to ask on",
    ])
    expect(line.asks).toBe(0)
  })

  test("by an older port is not asked for again", async () => {
    const { renewal, line } = await open()
    line.answer = new Error("FRAME_TYPE")
    renewal.begin(line)
    clock.to(0.5)
    renewal.refuse()
    await settled(line, 1, () => !renewal.isAsking)
    renewal.begin(line)
    clock.to(0.9)
    expect(line.asks).toBe(1)
    expect(told[0]).toContain("the port is an older one")
  })

  test("since nobody keeps what is new is not asked for", async () => {
    const profile = await profileOf()
    const { line } = await open()
    const renewal = new Renewal(memoryHolder(profile, undefined), clock, tell)
    renewal.begin({ ...line, shown: profile.certificate })
    clock.to(0.85)
    await vi.waitFor(() => expect(told[0]).toContain("no onRenewed was given"), 10_000)
    expect(line.asks).toBe(0)
  })

  test("since it could not be kept is told at once, and then the connection shows what there is", async () => {
    const { line, profile } = await open()
    const holder: ProfileHolder = {
      read: () => profile,
      demandRoom: async () => undefined,
      keep: () => Promise.reject(new Error("ENOSPC")),
    }
    const renewal = new Renewal(holder, clock, tell)
    renewal.begin(line)
    clock.to(0.5)
    await vi.waitFor(() => expect(told).toHaveLength(1), 10_000)
    expect(told[0]).toBe("RENEWAL_FAILED: the new certificate could not be kept: Error: ENOSPC")
    await vi.waitFor(() => expect(renewal.isAsking).toBe(false), 10_000)
    clock.to(0.6)
    expect(line.reconnects).toBe(1)
  })
})
