import type { Config } from "../../config/index.ts"
import { macKeyFiles, macKeyId } from "../../disclosures/index.ts"
import { rotateSeries, type SeriesRotation } from "./series-rotation.ts"

/**
 * Another key for HMACs and tokens; what was made with the one of before can be looked up further on. The port uses it from its next
 * start on. Errors: NOT_FOUND while no port has made one · CONFIG_INVALID
 */
export function rotateMacKey({ sealing }: Pick<Config, "sealing">): SeriesRotation {
  return rotateSeries({
    files: macKeyFiles(sealing),
    idOf: macKeyId,
    madeWhen: "when a policy asks for it",
  })
}
