import { afterEach, describe, expect, test } from "vitest"
import { dataOf, Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ClientStream } from "../support/framed-client.ts"
import { askOps } from "../support/ops-client.ts"
import { startPort } from "../support/port-process.ts"
import {
  createSmallDisk,
  type SmallDisk,
  sendUntilFull,
  whyNoSmallDisk,
} from "../support/small-disk.ts"
import { openWorld } from "../support/world.ts"

const { start, undo, undoAll } = openWorld()
afterEach(undoAll)

/** Each short enough for detectors to look at all of it. */
const notes = Array.from({ length: 4 }, () => "y".repeat(7_500))

const why = whyNoSmallDisk()
describe.skipIf(why !== undefined)(
  `a full disk${why === undefined ? "" : ` (not here: ${why})`}`,
  () => {
    function newDisk(bytes: number): SmallDisk {
      const disk = createSmallDisk(bytes)
      undo.push(() => disk.remove())
      return disk
    }

    const large = (): string => eventText({ data: { x: notes } })

    test("stops the acks, /readyz says why, reading goes on, and it goes on by itself", async () => {
      const disk = newDisk(24 << 20)
      const { port, entries, enter, post } = await start(disk.path)
      const client = await enter()
      const stream = new ClientStream()
      const { open } = await client.open(0, stream.id)
      disk.fill(64 << 10)
      const { sent, acked } = await sendUntilFull(port.ops, client, stream, large)
      expect(sent).toBe(acked + 1)
      const ready = await askOps(port.ops, "/readyz")
      expect(ready.status).toBe(503)
      expect(ready.text).toContain("the log's disk has been full since")
      expect((await askOps(port.ops, "/livez")).status).toBe(200)
      const refused = await post()
      expect(refused).toMatchObject({
        status: 503,
        json: { code: "DISK_FULL" },
        headers: { "retry-after": "1" },
      })
      await entries.all()
      const { size } = entries.view.head()
      expect((await entries.view.leaves(0, size)).length).toBeGreaterThan(acked)
      disk.free()
      const ack = await client.ack()
      expect(ack.batches).toMatchObject([{ sequence: acked, accepted: 1 }])
      expect((await askOps(port.ops, "/readyz")).status).toBe(200)
      expect((await post()).status).toBe(200)
      await entries.refusal("DISK_FULL", { from: size })
      const mine = (await entries.all()).filter(({ stamp }) => stamp.open === open)
      expect(mine.map(({ stamp }) => stamp.sequence)).toEqual(
        Array.from({ length: sent }, (_, i) => i),
      )
      expect(await port.end("SIGTERM")).toBe(0)
    })

    test("loses nothing that was acknowledged if the port is killed meanwhile", async () => {
      const disk = newDisk(24 << 20)
      const { installation, port, enter } = await start(disk.path)
      const client = await enter()
      const stream = new ClientStream()
      const { open } = await client.open(0, stream.id)
      disk.fill(64 << 10)
      const { acked } = await sendUntilFull(port.ops, client, stream, large)
      await port.end("SIGKILL")
      disk.free()
      const again = await startPort(installation.configFile)
      undo.push(() => again.end("SIGKILL"))
      const entries = await Entries.follow(installation.log)
      undo.push(() => entries.close())
      await entries.find(
        "the new start",
        ({ event }) => dataOf({ event } as never).pid === again.pid,
      )
      const mine = (await entries.all()).filter(({ stamp }) => stamp.open === open)
      expect(mine.length).toBeGreaterThanOrEqual(acked)
      expect(mine.map(({ stamp }) => stamp.sequence)).toEqual(mine.map((_, i) => i))
    })
  },
)
