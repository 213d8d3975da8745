/** The child that compresses one segment: `node main.js DIRECTORY FIRST [SEALING]`, and encrypts it if it is told where the keys lie. Writes one file that nobody reads yet, and says how it went. */
import { setPriority } from "node:os"
import { isPosternError } from "@postern/log/base"
import { withholdMemory } from "../../config/index.ts"
import { currentSegmentKey, openSegmentKeys, segmentKeyMaker } from "../../disclosures/index.ts"
import {
  lendSegmentKeys,
  nodeFiles,
  type Packed,
  packedBlockBytes,
  packSegment,
} from "../../disk/index.ts"
import type { KeeperWord } from "./word.ts"

const lowest = 19

withholdMemory()
setPriority(lowest)
// Nobody would adopt what it makes.
process.on("disconnect", () => process.exit(1))

const [directory = "", first = "", sealing] = process.argv.slice(2)
const word: KeeperWord = await pack().then(
  (packed) => ({ packed }),
  (error: unknown) => ({
    refused: {
      code: isPosternError(error) ? error.code : "INTERNAL",
      error: error instanceof Error ? error.message : String(error),
    },
  }),
)
process.send?.(word, () => process.disconnect())

/** In clear only where that was asked for: a key that is missing is no reason to leave the encryption out. */
async function pack(): Promise<Packed> {
  if (sealing === undefined) return packSegment(directory, Number(first))
  // What it has written it reads back as any other process will.
  lendSegmentKeys(openSegmentKeys(sealing))
  const maker = segmentKeyMaker(await currentSegmentKey(sealing))
  return packSegment(directory, Number(first), nodeFiles, packedBlockBytes, maker)
}
