import type { ClientStream, FramedClient } from "./framed-client.ts"
import { askOps } from "./ops-client.ts"
import type { Place } from "./port-process.ts"

/** A file system that can be filled up; the one that the disk room's own tests use. */
export {
  createSmallDisk,
  type SmallDisk,
  whyNoSmallDisk,
} from "../../packages/server/src/disk/small-disk.test.support.ts"

/** What is acknowledged at all is on its way by then. */
const quietMs = 2_000

/** Sends one event after the other until the port says that its disk is full. A silence alone may be that of a slow machine. */
export async function sendUntilFull(
  ops: Place,
  client: FramedClient,
  stream: ClientStream,
  makeEvent: () => string,
): Promise<{ sent: number; acked: number }> {
  const isAnswered = async (ms: number): Promise<boolean> =>
    (await client.next(ms).catch(() => undefined)) !== undefined
  const isFull = async (): Promise<boolean> =>
    (await askOps(ops, "/readyz")).text.includes("disk has been full since")
  let [sent, acked] = [0, 0]
  for (;;) {
    client.send(stream.batch([makeEvent()]))
    sent += 1
    while (!(await isAnswered(250))) {
      if (!(await isFull())) continue
      if (!(await isAnswered(quietMs))) return { sent, acked }
      break
    }
    acked += 1
  }
}
