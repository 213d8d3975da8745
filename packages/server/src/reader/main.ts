import { setPriority } from "node:os"
import { dataDirectories, loadConfig, withholdMemory } from "../config/index.ts"
import { openSegmentKeys } from "../disclosures/index.ts"
import { lendSegmentKeys } from "../disk/index.ts"
import { runProcess, waitForLog } from "../lifetime/index.ts"
import { openReadProcess } from "./reader.ts"

const readerPriority = 10

/**
 * The reader process: `node main.js CONFIG`. SIGTERM drains, SIGHUP reloads. It may crash or be killed at any time without the
 * port noticing.
 */
withholdMemory()
// Where both want the same core, the port comes first: all threads of this process begin at this priority.
setPriority(readerPriority)
runProcess(
  "reader",
  async (file, tell) => {
    const config = loadConfig(file)
    lendSegmentKeys(openSegmentKeys(config.sealing))
    const view = await waitForLog(dataDirectories(config).log, tell)
    const { process: reading, addresses } = await openReadProcess(config, view, tell)
    return {
      ...{ message: "listening", facts: { read: addresses }, ready: { read: addresses } },
      reload: () => void reading.reload(),
      close: () => reading.close(),
    }
  },
  ["ACCESS_INVALID", "PROFILE_INVALID", "ADDRESS_IN_USE", "BIND_REFUSED"],
)
