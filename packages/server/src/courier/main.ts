import { PosternError } from "@postern/log/base"
import { type Config, dataDirectories, loadConfig } from "../config/index.ts"
import { openSegmentKeys } from "../disclosures/index.ts"
import { lendSegmentKeys } from "../disk/index.ts"
import { runProcess, type Tell, waitForLog } from "../lifetime/index.ts"
import { openAnswering } from "../postbox/index.ts"
import { openAlerts } from "./alerts-task.ts"
import { openCourier } from "./courier.ts"
import { openHeartbeat } from "./heartbeat.ts"
import { openRenewals } from "./renewals.ts"
import type { CourierTask, OpenTask } from "./task.ts"

/**
 * The courier process: `node main.js CONFIG`. It is the one that opens connections to the outside and that has the CA sign; it holds no
 * signing key of the log, and the port believes none of its reports unchecked. SIGTERM ends it; certificates are read when they are
 * needed, a changed policy needs a new start. It may crash or be killed at any time: the log goes on, unwitnessed.
 */
const tasks: readonly OpenTask[] = [openCourier, openHeartbeat, openRenewals, openAlerts]

runProcess(
  "courier",
  async (file, tell) => {
    const config = loadConfig(file)
    lendSegmentKeys(openSegmentKeys(config.sealing))
    const view = await waitForLog(dataDirectories(config).log, tell)
    const opened = tasks.flatMap((open) => open({ config, view, tell }) ?? [])
    if (opened.length === 0) throw new PosternError("CONFIG_INVALID", "nothing is set for it to do")
    const answering = openAnswers(config, opened, tell)
    return {
      ...{ message: opened.map(({ what }) => what).join(", "), ready: {} },
      reload: () => undefined,
      async close() {
        await answering.close()
        await Promise.all(opened.map((task) => task.close()))
        await view.close()
      },
    }
  },
  ["POLICY_INVALID"],
)

/** What the other processes may ask. */
function openAnswers(config: Config, opened: readonly CourierTask[], tell: Tell) {
  const { courierState, operatorState, portState, readerState } = dataDirectories(config)
  return openAnswering({
    own: courierState,
    askers: { port: portState, reader: readerState, operator: operatorState },
    handlers: Object.assign({}, ...opened.map(({ handlers }) => handlers)),
    failed: (asker, error) => tell("error", "an ask failed", { asker, error: String(error) }),
  })
}
