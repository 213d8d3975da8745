import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { listSegments } from "../disk/index.ts"
import { WrittenLog } from "../guard/verify/written-log.test.support.ts"
import { keptBelow } from "./index.ts"

const directories: string[] = []
afterEach(() => {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true })
})

async function openWritten(): Promise<WrittenLog> {
  const directory = mkdtempSync(join(tmpdir(), "postern-retention-"))
  directories.push(directory)
  const log = await WrittenLog.open(directory)
  await log.started()
  return log
}

async function indexesKept(log: WrittenLog, to: number): Promise<number[]> {
  return (await keptBelow(log.path, to)).map(({ index }) => index)
}

test("kept is what opened the streams that are open, and the first entry", async () => {
  const log = await openWritten()
  const [gone, http, left] = [log.opened(true), log.opened(false), log.opened(true)]
  log.events(gone, 20)
  log.own("postern.stream.continued", { open: left })
  const continued = log.own("postern.stream.continued", { open: left })
  log.closed(gone)
  await log.commit()
  await log.roll()
  const minimum = log.size
  log.events(left, 1)
  await log.commit()
  expect(await indexesKept(log, minimum)).toEqual([0, http, left, continued].sort((a, b) => a - b))
  await log.close()
})

test("streams that the port makes for senders end with its life", async () => {
  const log = await openWritten()
  const [http, framed] = [log.opened(false), log.opened(true)]
  log.events(http, 2)
  await log.commit()
  const started = log.size
  await log.started()
  await log.commit()
  await log.roll()
  const minimum = log.size
  log.events(framed, 1)
  await log.commit()
  expect(await indexesKept(log, minimum)).toEqual([0, framed, started])
  await log.close()
})

test("what was kept once is kept as long as it is needed", async () => {
  const log = await openWritten()
  const [long, short, http] = [log.opened(true), log.opened(true), log.opened(false)]
  await log.commit()
  await log.roll()
  const first = log.size
  log.events(long, 3)
  log.closed(short)
  await log.commit()
  await log.prune(first)
  expect(await listSegments(log.path)).toEqual([first])
  await log.roll()
  const second = log.size
  log.events(http, 1)
  await log.commit()
  expect(await indexesKept(log, second)).toEqual([0, long, http])
  const kept = await keptBelow(log.path, second)
  expect(Buffer.from(kept[1]?.leaf ?? []).toString()).toContain("postern.stream.opened")
  await log.close()
})
