import { rmSync } from "node:fs"
import { join } from "node:path"
import { nodeFlags } from "../../packages/server/dist/supervisor/supervisor.js"
import type { BenchLog } from "./bench-log.ts"
import { runChild } from "./child.ts"
import { dropFromCache } from "./files.ts"
import type { Effort } from "./measured.ts"
import type { RoomTask } from "./room-process.ts"
import type { RoomFigures } from "./table.ts"

const programme = new URL("room-process.ts", import.meta.url)

/** Builds the index of a log anew and asks it directly: no network, no certificate, no record, no proof. */
export async function measureRoom(
  { directory }: BenchLog,
  effort: Effort,
  note: (text: string) => void,
): Promise<RoomFigures> {
  rmSync(join(directory, "data/index"), { recursive: true, force: true })
  // As after a restore: the log has to come from the disk too.
  await dropFromCache(join(directory, "data/log"))
  const task = { directory, effort } satisfies RoomTask
  return runChild<RoomFigures>(programme, task, note, nodeFlags.reader)
}
