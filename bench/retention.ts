/**
 * What it takes to remove a segment of a log by its retention rule: `node bench/retention.ts`. Writes three full segments below
 * bench, prunes one after the other as the port does, and says the longest time for which the loop was held up meanwhile.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { listSegments, readSegmentAges } from "../packages/server/dist/disk/index.js"
import { WrittenLog } from "../packages/server/dist/guard/verify/written-log.test.support.js"

const segments = 3
const slotsOfASegment = 1250
const text = "x".repeat(330)

async function main(): Promise<void> {
  const directory = mkdtempSync(join(import.meta.dirname, ".retention-"))
  try {
    const log = await WrittenLog.open(directory)
    await log.started()
    const stream = log.opened(true)
    for (let i = 0; i < segments; i++) {
      await fill(log, stream)
      await log.roll()
    }
    log.events(stream, 10)
    await log.commit()
    for (const to of (await listSegments(log.path)).slice(1)) await measure(log, to)
    await log.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
}

async function fill(log: WrittenLog, stream: number): Promise<void> {
  for (let slot = 0; slot < slotsOfASegment; slot++) {
    const event = (i: number): string => JSON.stringify({ id: `${slot}-${i}`, data: { text } })
    log.batch(
      stream,
      Array.from({ length: 230 }, (_, i) => event(i)),
    )
    await log.commit()
  }
}

/** All of it: looks for what is to be kept, writes the entry, `pruned` and the head, removes the files. */
async function measure(log: WrittenLog, to: number): Promise<void> {
  const [oldest] = await readSegmentAges(log.path)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  await log.prune(to)
  const ms = performance.now() - began
  delay.disable()
  const megabytes = Math.round((oldest?.bytes ?? 0) / 1e6)
  const held = (delay.max / 1e6).toFixed(0)
  console.log(
    `${megabytes} MB went in ${ms.toFixed(0)} ms, the loop was held up for ${held} ms at most`,
  )
}

await main()
