import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { connect, openReader, type Profile, type ProvenEntry, type Reader } from "@postern/client"
import { isPosternError } from "@postern/log/base"
import type { Finding } from "../exposure/index.ts"

const withinMs = 15_000
const askAgainMs = 100

/**
 * The whole way once: an entry is written, acknowledged with a receipt, published, read back over the read port and proven against a
 * signed checkpoint. It stays in the log, as every entry does.
 */
export async function sendCanary(writer: Profile, reader: Profile): Promise<Finding> {
  const about = { id: "canary", subject: writer.address, severity: "critical" } as const
  const began = performance.now()
  try {
    const index = await writeAndRead(writer, reader)
    const ms = Math.round(performance.now() - began)
    const evidence = `entry ${index} was written, acknowledged, published, read back and proven in ${ms} ms`
    return { ...about, result: "ok", evidence, fix: "" }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    const fix = "postern status, and the service's own messages, say more"
    return { ...about, result: "fail", evidence: said, fix }
  }
}

async function writeAndRead(writer: Profile, reader: Profile): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "postern-doctor-"))
  const audit = await connect(writer, { spool: { directory }, onProblem: () => undefined })
  const reading = openReader(reader)
  try {
    const details = {
      actor: { type: "service", id: "postern-doctor" },
      outcome: "success",
      data: { canary: true },
    } as const
    const kept = await withDeadline(audit.confirm("doctor.canary", details, { wait: "published" }))
    const { entry } = await withDeadline(proveSoon(reading, kept.index))
    if (entry.event.action !== "doctor.canary" || entry.writer !== writer.id) {
      throw new Error(`entry ${kept.index} is not the one that was written`)
    }
    return kept.index
  } finally {
    reading.close()
    await audit.close(1000)
    await rm(directory, { recursive: true, force: true })
  }
}

/** The reader follows the port, and may be a moment behind the checkpoint that the port has published. */
async function proveSoon(reading: Reader, index: number): Promise<ProvenEntry> {
  for (const began = performance.now(); ; await pause(askAgainMs)) {
    try {
      return await reading.prove(index)
    } catch (error) {
      const isYetToCome = isPosternError(error) && error.code === "NOT_FOUND"
      if (!isYetToCome || performance.now() - began >= withinMs) throw error
    }
  }
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${withinMs / 1000} seconds`)), withinMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
