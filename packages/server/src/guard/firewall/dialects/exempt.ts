import { PosternError } from "@postern/log/base"
import type { FirewallModel } from "./model.ts"

/** Users of this machine whose connections over loopback are not judged: root, and the service's own; ascending, for the same bytes. */
export function exempt({ serviceUids }: FirewallModel, dialect: string): number[] {
  if (serviceUids === undefined) {
    const why = `${dialect} needs the service's users: the data directory is not here, so say --uid`
    throw new PosternError("USAGE", why)
  }
  return [...new Set([0, ...serviceUids])].sort((a, b) => a - b)
}
