import { afterEach, describe, expect, test } from "vitest"
import type { Waiting } from "../../alerts/index.ts"
import { Deliveries } from "./deliveries.ts"
import { type Answer, openReceiver } from "./receiver.test.support.ts"
import { postWebhook } from "./webhook-wire.ts"

const ends: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const message = (id: number, webhook = "w"): Waiting => {
  return { id: `msg_${id}`, webhook, alert: "a", body: `{"n":${id}}`, madeMs: 0 }
}

/** Deliveries to one receiver, with pauses of a millisecond. */
async function deliver(answer?: Answer, pauses: readonly number[] = [1, 1]) {
  const receiver = await openReceiver(answer)
  ends.push(receiver.close)
  const given: unknown[] = []
  const waiting: (() => void)[] = []
  const deliveries = new Deliveries(
    {
      post: postWebhook,
      webhook: (name) =>
        name === "gone" ? undefined : { name, url: receiver.url, timeoutSeconds: 20 },
      undelivered: ({ id }, attempts, reason) => given.push([id, attempts, reason]),
      changed: () => {
        for (const wake of waiting.splice(0)) wake()
      },
    },
    pauses,
  )
  ends.push(() => deliveries.close())
  async function drained(): Promise<void> {
    while (deliveries.waiting.length > 0) await new Promise<void>((wake) => void waiting.push(wake))
  }
  return { receiver, deliveries, given, drained }
}

describe("deliveries", () => {
  test("come one after the other, in order, and nothing waits afterwards", async () => {
    let open = 0
    let most = 0
    const { deliveries, drained, receiver } = await deliver((_, response) => {
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        response.end()
      })
    })
    deliveries.add([message(1), message(2), message(3)])
    deliveries.start()
    deliveries.start()
    await drained()
    expect(receiver.messages()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
    expect(most).toBe(1)
    expect(deliveries.last.get("a")).toMatchObject({
      webhook: "w",
      outcome: "taken",
      detail: "status 200",
    })
  })

  test("are tried again with the same id, until it goes well", async () => {
    let times = 0
    const it = await deliver((_, response) => response.writeHead(++times < 3 ? 503 : 200).end())
    it.deliveries.add([message(1)])
    it.deliveries.start()
    await it.drained()
    expect(it.receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual([
      "msg_1",
      "msg_1",
      "msg_1",
    ])
    expect(it.given).toEqual([])
  })

  test("are given up after the last pause, and the next one is begun", async () => {
    const it = await deliver((request, response) => {
      response.writeHead(request.headers["webhook-id"] === "msg_1" ? 500 : 200).end()
    })
    it.deliveries.add([message(1), message(2)])
    it.deliveries.start()
    await it.drained()
    expect(it.given).toEqual([["msg_1", 3, "status 500"]])
    expect(it.receiver.received).toHaveLength(4)
  })

  test("are given up at once where another attempt makes no sense", async () => {
    const it = await deliver((_, response) => response.writeHead(404).end())
    it.deliveries.add([message(1), message(2, "gone")])
    it.deliveries.start()
    await it.drained()
    expect(it.given).toEqual([
      ["msg_2", 0, "there is no such webhook any more"],
      ["msg_1", 1, "status 404"],
    ])
  })

  test("that wait are bounded: the oldest but the one under way goes", async () => {
    const it = await deliver()
    it.deliveries.add(Array.from({ length: 70 }, (_, at) => message(at)))
    expect(it.deliveries.waiting).toHaveLength(64)
    expect(it.given.map((one) => (one as string[])[0])).toEqual(
      [1, 2, 3, 4, 5, 6].map((at) => `msg_${at}`),
    )
  })

  test("that are cut off at the end wait for the next start", async () => {
    const it = await deliver((_, response) => response.writeHead(500).end(), [60_000])
    it.deliveries.add([message(1)])
    it.deliveries.start()
    await it.receiver.count(1)
    await it.deliveries.close()
    expect(it.deliveries.waiting).toEqual([message(1)])
    expect(it.given).toEqual([])
  })
})
