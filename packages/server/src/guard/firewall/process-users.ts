import { statSync } from "node:fs"
import { type Config, dataDirectories } from "../../config/index.ts"

/**
 * The users that the service's processes run as, by whose directories below `data` they are: the reader writes to the write port over
 * loopback, the courier and the watch ask the ops plane. Undefined where the data is not, as on the machine of somebody who only renders.
 */
export function processUsers(config: Pick<Config, "data">): number[] | undefined {
  const owner = ownerOf(config.data)
  if (owner === undefined) return undefined
  const { log, readerState, courierState, watchState } = dataDirectories(config)
  const others = [log, readerState, courierState, watchState].map(ownerOf)
  return [...new Set([owner, ...others.filter((uid) => uid !== undefined)])]
}

function ownerOf(directory: string): number | undefined {
  return statSync(directory, { throwIfNoEntry: false })?.uid
}
