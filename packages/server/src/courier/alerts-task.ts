import { X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../access/index.ts"
import { alertTestKind } from "../alerts/index.ts"
import { dataDirectories, readTextFile } from "../config/index.ts"
import { type AlertsWatch, openAlertsWatch, openOwnRecords } from "./alerts/index.ts"
import type { CourierWorld, OpenTask } from "./task.ts"

const retryMs = 1_000

/** Watches the log for what alerts.yaml says; undefined if there is no such file. */
export const openAlerts: OpenTask = (world) => {
  const { alerts: file } = world.config
  if (file === undefined) return undefined
  if (world.config.pki.courier === undefined)
    throw new PosternError(
      "CONFIG_INVALID",
      `pki.courier is missing, which writes what ${file} says`,
    )
  const stop = new AbortController()
  const opening = openWatch(world, file, stop.signal)
  return {
    what: "watching for alerts",
    handlers: {
      [alertTestKind]: async (body, asker) => {
        const watch = await opening
        if (watch === undefined) throw new PosternError("SHUTTING_DOWN")
        const { alert } = (typeof body === "object" && body !== null ? body : {}) as {
          alert?: unknown
        }
        return { results: await watch.test(alert, asker) }
      },
    },
    async close() {
      stop.abort()
      await (await opening)?.close()
    },
  }
}

/** The port may still be about to leave its public key; what is wrong is said, and the other tasks go on. */
async function openWatch(
  { config, view, tell }: CourierWorld,
  file: string,
  signal: AbortSignal,
): Promise<AlertsWatch | undefined> {
  const { reader, courier } = config.pki
  const { courierState } = dataDirectories(config)
  while (!signal.aborted) {
    try {
      const certificates = [
        reader.certificate,
        ...(courier === undefined ? [] : [courier.certificate]),
      ]
      const house = certificates.map((path) => spiffeIdOf(new X509Certificate(readTextFile(path))))
      const records = await openOwnRecords(config, tell)
      return openAlertsWatch({ file, state: courierState, view, records, house, tell })
    } catch (error) {
      tell("error", "alerts cannot be watched", { error: String(error) })
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
  return undefined
}
