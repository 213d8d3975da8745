import { PosternError } from "@postern/log/base"
import type { FirewallModel } from "./model.ts"

/** Users of this machine whose connections over loopback are not judged: root, and the service itself. */
export function exempt({ serviceUid }: FirewallModel, dialect: string): number[] {
  if (serviceUid === undefined) {
    const why = `${dialect} needs the service's user: the data directory is not here, so say --uid`
    throw new PosternError("USAGE", why)
  }
  return [...new Set([0, serviceUid])]
}
