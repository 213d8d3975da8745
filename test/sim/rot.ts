import { Decisions } from "../crash/decisions.ts"
import { findingsOf, verifyImage } from "./image.ts"
import { codeOf } from "./port-life.ts"
import { logPath, Run, soundLife } from "./run.ts"
import { type SimulatedFile, sectorBytes } from "./simulated-file.ts"

/** What became of a log of which something changed at rest. */
export type RotEnd = "refused" | "found" | "harmless"

const codesOfDamage = new Set(["LOG_DAMAGED", "LOG_ROLLED_BACK", "LOG_FORMAT"])

/**
 * A sound log, one change of its medium, and what the port, a follower and a full verification make of it: the port
 * refuses it, or the verification finds it, or nothing of the log is different.
 */
export async function rotRun(seed: number): Promise<{ run: Run; end: RotEnd; what: string }> {
  const run = new Run(seed)
  const decisions = new Decisions(seed).apart("rot")
  const { model, disk } = run
  await run.livesWithFaults(decisions.between(0, 4))
  const older = copyOf(run)
  await run.livesWithFaults(1)
  await run.live(soundLife)
  const before = await verifyImage(disk, logPath)
  if (!before.verified) model.fault(`a sound log is not verified: ${findingsOf(before)}`)
  if (model.faults.length > 0) return { run, end: "harmless", what: "" }
  disk.losePower(1)
  const what = decisions.chance(0.2) ? restore(run, older, decisions) : rot(run, decisions)
  const error = await run.live(soundLife)
  if (error !== undefined) {
    const code = codeOf(error)
    if (!codesOfDamage.has(code)) model.fault(`${what}: refused with ${code}, not as damage`)
    return { run, end: "refused", what: `${what}: ${code}` }
  }
  // What the port itself takes for good although it is different is never right; what a follower reads may be, if the
  // verification finds it.
  const seen = model.faults.filter((fault) => fault.startsWith("a follower"))
  for (const difference of seen) model.faults.splice(model.faults.indexOf(difference), 1)
  const report = await verifyImage(disk, logPath)
  if (!report.verified) return { run, end: "found", what: `${what}: ${findingsOf(report)}` }
  for (const difference of seen) model.fault(`${what}: ${difference}, and nobody noticed`)
  return { run, end: "harmless", what }
}

/** All files as they stand, by path. */
function copyOf(run: Run): ReadonlyMap<string, Buffer> {
  const files = [...run.disk.root.files()]
  return new Map(files.map(([path, { seen }]) => [path, Buffer.from(seen)]))
}

/** Puts older contents in the place of one file, or of all but what remembers the newest signature. */
function restore(run: Run, older: ReadonlyMap<string, Buffer>, decisions: Decisions): string {
  const files = [...run.disk.root.files()].filter(([path]) => older.has(path))
  if (files.length === 0) return rot(run, decisions)
  const memory = `${logPath}/last-signed`
  const one = decisions.chance(0.5) ? decisions.pick(files)[0] : undefined
  for (const [path, file] of files) {
    if (one === undefined ? path === memory : path !== one) continue
    file.restore(older.get(path) ?? Buffer.alloc(0))
  }
  if (one !== undefined) return `an older copy of ${one}`
  // What was made since is not in a backup.
  for (const [path] of run.disk.root.files()) {
    if (older.has(path) || path === memory) continue
    run.disk.forget(path)
  }
  return "an older copy of all but last-signed"
}

/** Changes one place of one file. Says what it did. */
function rot(run: Run, decisions: Decisions): string {
  const files = [...run.disk.root.files()].filter(([, file]) => file.size > 0)
  const slots = files.filter(([name]) => name.endsWith(".seg"))
  const [path, file] = decisions.pick(decisions.chance(0.4) ? slots : files)
  const at = placeIn(path, file, decisions)
  const kind = decisions.pick(["a bit", "a bit", "a byte", "a sector of zeros", "another sector"])
  const sector = at - (at % sectorBytes)
  file.rot((medium) => {
    if (kind === "a bit") medium[at] = (medium[at] ?? 0) ^ (1 << decisions.between(0, 8))
    else if (kind === "a byte") medium[at] = decisions.between(0, 256)
    else if (kind === "a sector of zeros")
      medium.fill(0, sector, Math.min(medium.length, sector + sectorBytes))
    else {
      const from = decisions.between(0, Math.ceil(medium.length / sectorBytes)) * sectorBytes
      medium.copyWithin(sector, from, Math.min(medium.length, from + sectorBytes))
    }
  })
  return `${kind} in ${path} at ${at} of ${file.size}`
}

/** Mostly where something stands: behind the slots there are megabytes of zeros. */
function placeIn(path: string, file: SimulatedFile, decisions: Decisions): number {
  if (!path.endsWith(".seg")) return decisions.between(0, file.size)
  const bytes = file.stable
  let used = bytes.length
  while (used > 1 && bytes[used - 1] === 0) used -= 1
  return decisions.between(0, decisions.chance(0.9) ? used : file.size)
}
