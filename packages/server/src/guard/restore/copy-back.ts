import { join } from "node:path"
import { readLastSigned, replaceFile } from "../../disk/index.ts"
import { copyLog } from "./copy.ts"
import type { Known } from "./known.ts"
import { asideName, declareWhole, makingPlace, putInPlace } from "./places.ts"
import type { Restored, RestoreOptions } from "./restore.ts"
import type { Survivor } from "./survivor.ts"

/** The mirror holds everything that is known of: its copy takes the directory's place, and the same log goes on. */
export async function copyBack(
  { directory, now }: RestoreOptions,
  { path, size, root }: Survivor,
  { lastSigned }: Known,
): Promise<Restored> {
  const making = await makingPlace(directory)
  await copyLog(path, making)
  const copied = await readLastSigned(making)
  // The mirror has seen the checkpoints that were published; one more may have been signed.
  if (lastSigned !== undefined && lastSigned.size > (copied?.size ?? -1)) {
    const record = { size: lastSigned.size, root: lastSigned.root }
    await replaceFile(join(making, "last-signed"), `${JSON.stringify(record)}\n`)
  }
  await declareWhole(directory)
  const aside = await putInPlace(directory, asideName(directory, now))
  return { kind: "copied", size, root, aside }
}
