import { EventEmitter } from "node:events"
import { expect, it } from "vitest"
import { listen } from "./database.ts"

/** A client of pg's pool, as far as listening goes. */
class PoolClient extends EventEmitter {
  readonly said: string[] = []
  isDestroyed: boolean | undefined

  async query(text: string): Promise<{ rows: object[] }> {
    this.said.push(text)
    return { rows: [] }
  }

  release(destroy: boolean): void {
    this.isDestroyed = destroy
  }
}

function poolOf(client: PoolClient, max: number) {
  const query = (text: string) => client.query(text)
  return { totalCount: 0, options: { max }, connect: async () => client, query }
}

it("listens on a connection of the pool, and gives it up as one that nobody may use again", async () => {
  const client = new PoolClient()
  const heard: string[] = []
  const stop = await listen(
    poolOf(client, 10),
    () => heard.push("hint"),
    () => heard.push("gone"),
  )
  expect(client.said).toEqual(["LISTEN postern_outbox"])
  client.emit("notification")
  client.emit("error", new Error("cut"))
  expect(heard).toEqual(["hint", "gone"])
  await stop?.()
  expect(client.isDestroyed).toBe(true)
  // What a connection says last must not end the process.
  client.emit("error", new Error("again"))
})

it("leaves a pool of one its connection", async () => {
  const client = new PoolClient()
  const ignore = (): void => undefined
  expect(await listen(poolOf(client, 1), ignore, ignore)).toBeUndefined()
  expect(client.said).toEqual([])
})

it("listens as postgres.js does it", async () => {
  const heard: string[] = []
  let channel = ""
  const sql = {
    unsafe: async () => [],
    async listen(name: string, hint: () => void) {
      channel = name
      hint()
      return { unlisten: async () => void heard.push("unlistened") }
    },
  }
  const stop = await listen(
    sql,
    () => heard.push("hint"),
    () => heard.push("gone"),
  )
  await stop?.()
  expect(channel).toBe("postern_outbox")
  expect(heard).toEqual(["hint", "unlistened"])
})
