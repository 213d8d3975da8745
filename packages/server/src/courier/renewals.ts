import { renewalKind } from "../renewal/index.ts"
import { renewalHandler } from "./renewal/index.ts"
import type { OpenTask } from "./task.ts"

/** Has the CA issue what port and reader ask for; undefined if this installation has no CA of its own. */
export const openRenewals: OpenTask = ({ config, tell }) => {
  if (config.pki.caKey === undefined) return undefined
  const handler = renewalHandler(config, { now: () => Date.now(), tell })
  return {
    what: "issuing certificates",
    handlers: { [renewalKind]: handler },
    close: async () => undefined,
  }
}
