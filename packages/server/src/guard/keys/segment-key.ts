import type { Config } from "../../config/index.ts"
import { segmentKeyFiles, segmentKeyId } from "../../disclosures/index.ts"
import { rotateSeries, type SeriesRotation } from "./series-rotation.ts"

/**
 * Another key that wraps those of encrypted segments, from the next one that is compressed on; those of before stay under the key of
 * before. Errors: NOT_FOUND while no port has made one · CONFIG_INVALID
 */
export function rotateSegmentKey({ sealing }: Pick<Config, "sealing">): SeriesRotation {
  return rotateSeries({
    files: segmentKeyFiles(sealing),
    idOf: segmentKeyId,
    madeWhen: "when postern.yaml says encryption: segments",
  })
}
