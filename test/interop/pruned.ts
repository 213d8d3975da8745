import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { exportLog } from "../../packages/server/dist/cli/log-export.js"
import { followLog } from "../../packages/server/dist/disk/index.js"
import {
  evidenceLines,
  openBatchSlots,
  packLines,
  planEvidence,
} from "../../packages/server/dist/evidence/index.js"
import { WrittenLog } from "../../packages/server/dist/guard/verify/written-log.test.support.js"
import { askPython, findPython } from "../evidence/verifiers.ts"
import type { GoVerifier } from "./go-verifier.ts"
import { writeProofs } from "./proofs.ts"
import type { Results } from "./results.ts"

/** A log whose first segment went by its retention rule: what is left is proven as before, to programs of others. */
export async function checkPruned(results: Results, go: GoVerifier, work: string): Promise<void> {
  const log = await WrittenLog.open(join(work, "pruned"))
  await log.started()
  const stream = log.opened(true)
  for (let i = 0; i < 10; i++) {
    log.events(stream, 100)
    await log.commit()
  }
  await log.roll()
  const minimum = log.size
  for (let i = 0; i < 6; i++) {
    log.events(stream, 100)
    await log.commit()
  }
  await log.prune(minimum)
  await log.checkpoint()
  await checkExport(results, go, work, log, minimum)
  await checkEvidenceOf(results, work, log, minimum)
  await log.close()
}

async function checkExport(
  results: Results,
  go: GoVerifier,
  work: string,
  log: WrittenLog,
  minimum: number,
): Promise<void> {
  const exported = join(work, "pruned-export")
  const view = await followLog(log.path)
  const { vkey } = log.log
  const { size } = await exportLog(view, exported, { vkey })
  await view.close()
  const proofs = join(work, "proofs")
  await writeProofs(exported, size, proofs)
  const rounded = Math.ceil(minimum / 256) * 256
  const flags = ["-vkey", vkey, "-minimum", `${rounded}`]
  await go.accepts("a log whose beginning went", exported, [...flags, "-proofs", proofs])
  await go.refuses("it as a whole log", exported, ["-vkey", vkey])
  const tile = join(exported, "tile/0/001")
  const bytes = readFileSync(tile)
  bytes[77] = (bytes[77] as number) ^ 1
  writeFileSync(tile, bytes)
  await go.refuses("a changed hash of what went", exported, flags)
  results.report.count("entries that went", rounded)
}

async function checkEvidenceOf(
  results: Results,
  work: string,
  log: WrittenLog,
  minimum: number,
): Promise<void> {
  const { python, reason } = await findPython()
  if (python === undefined) return console.log(`skipped: Python's verifier: ${reason}`)
  const view = await followLog(log.path)
  const ask = { kind: "range", first: minimum, count: 300 } as const
  const plan = await planEvidence(view, openBatchSlots(log.path), ask)
  const parts: Uint8Array[] = []
  for await (const part of packLines(evidenceLines(view, plan))) parts.push(part as Uint8Array)
  await view.close()
  const policy = `log ${log.log.vkey}\nquorum none\n`
  const [answer] = await askPython(python, [{ bytes: Buffer.concat(parts), policy } as never], work)
  const isWell = answer?.verdict === "SIGNED-ONLY"
  results.check(isWell, "Python verifies evidence of what stayed", answer?.because)
}
