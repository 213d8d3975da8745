import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatBase64 } from "@postern/log/base"
import type { Delivered } from "./delivery.ts"
import type { Problem } from "./options.ts"

const everyMs = 10_000
const lastMs = new Map<string, number>()

/** What is told when the application does not listen: two lines on standard error, a kind at most every ten seconds. */
export function reportToStderr(problem: Problem): void {
  const now = Date.now()
  if (now - (lastMs.get(problem.code) ?? 0) < everyMs) return
  lastMs.set(problem.code, now)
  const events = problem.events > 0 ? ` (${problem.events} events)` : ""
  process.stderr.write(
    `postern: error: ${problem.message}${events}\npostern: hint: ${problem.hint}\n`,
  )
}

/** A receipt that does not hold is evidence against the port: kept beside the spool, once per slot. */
export function keepBadReceipt(
  directory: string | undefined,
  { ack, note, certificate }: Delivered,
): void {
  if (directory === undefined) return
  const path = join(directory, `bad-receipt-${ack.firstIndex}.json`)
  const { seed, path: hashes, ...rest } = ack
  const kept = {
    ...rest,
    seed: formatBase64(seed),
    path: hashes.map((hash) => formatBase64(hash)),
    note,
    certificate,
  }
  writeFileSync(path, `${JSON.stringify(kept)}\n`, { mode: 0o600 })
}
