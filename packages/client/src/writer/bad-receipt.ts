import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatBase64 } from "@postern/log/base"
import { splitRegion } from "@postern/log/wire"
import type { Delivered } from "./delivery.ts"

const keptMax = 100
let kept = 0

/**
 * Keeps a receipt that does not hold, with everything needed to judge it again: it is evidence against the port. One file in
 * `directory` for each; at most a hundred in the life of the process, since a hostile port could fill the disk. Returns its path.
 */
export function keepBadReceipt(directory: string, delivered: Delivered): string | undefined {
  const { frame, region, refused, altered, ack, note, receiptKey } = delivered
  if (ack === undefined || region === undefined || kept >= keptMax) return undefined
  kept += 1
  const { seed, path, ...row } = ack
  const file = {
    postern: "bad-receipt@v1",
    ack: { ...row, seed: formatBase64(seed), path: path.map(formatBase64) },
    refused,
    altered: altered.map((one) => ({ ...one, event: Buffer.from(one.event).toString() })),
    events: splitRegion(region, frame.count).map((event) => Buffer.from(event).toString()),
    note,
    certificate: receiptKey?.certificate,
  }
  const name = `bad-receipt-${ack.sequence}-${ack.firstIndex}.json`
  writeFileSync(join(directory, name), `${JSON.stringify(file, undefined, 1)}\n`, { mode: 0o600 })
  return join(directory, name)
}
