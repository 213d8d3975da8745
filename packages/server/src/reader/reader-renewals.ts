import type { Peer } from "../acceptor/index.ts"
import type { AccessList } from "../access/index.ts"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import type { Tell } from "../lifetime/index.ts"
import { openAsking } from "../postbox/index.ts"
import { openRenewalRelay } from "../renewal/index.ts"
import type { SpoolRecorder } from "./recorder.ts"

/** New certificates for readers, over their own connections (docs/spec/wire.md, Renewal). */
export interface ReaderRenewals {
  /** As RenewalRelay.renew. */
  renew(peer: Peer, request: Uint8Array): Promise<string>
  close(): void
}

/** Relays to the courier, checks, and records. This process signs no certificate. */
export function openReaderRenewals(
  config: Config,
  recorder: Pick<SpoolRecorder, "recordOwn">,
  access: () => AccessList,
  tell: Tell,
): ReaderRenewals {
  const { readerState, courierState } = dataDirectories(config)
  const asking = openAsking(readerState, courierState)
  const relay = openRenewalRelay({
    ...{ plane: "read", asking, now: () => Date.now() },
    hasAuthority: config.pki.caKey !== undefined,
    authorities: () => readTextFile(config.pki.ca),
    refusalOf(id, marks) {
      if (access().revocationOf(marks) !== undefined) return "CERTIFICATE_REVOKED"
      return access().reader(id, Date.now()) === undefined ? "NOT_GRANTED" : undefined
    },
    renewed({ id, ...facts }) {
      const data = { identity: id, ...facts }
      recorder.recordOwn("postern.certificate.renewed", data).catch((error) => {
        tell("warn", "it could not be recorded", { error: String(error) })
      })
    },
    failed: ({ message }) =>
      tell("error", "an issued certificate is not passed on", { error: message }),
  })
  return { renew: (peer, request) => relay.renew(peer, request), close: () => asking.close() }
}
