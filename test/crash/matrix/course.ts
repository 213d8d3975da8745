import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { verifyDirectory } from "../../../packages/server/dist/guard/verify/index.js"
import { within } from "../../support/waiting.ts"
import { readLog } from "../log-contents.ts"
import { type ServerProcess, startProcess } from "../port-process.ts"
import {
  type Call,
  faultCommand,
  listingCommand,
  type Point,
  readCalls,
  wasInjected,
} from "./calls.ts"
import { Poster } from "./poster.ts"
import type { Scene } from "./scene.ts"
import { readSigned, rootFaults } from "./signed-roots.ts"

const main = fileURLToPath(new URL("port-main.ts", import.meta.url))
const courseMsMax = 40_000

/** What came of one point. */
export interface PointEnd {
  /** Whether the call was made, and so failed. */
  readonly reached: boolean
  /** How the port ended: its exit status, `null` after a kill. */
  readonly code: number | null
  readonly faults: readonly string[]
}

/**
 * The same short course of the port each time: it starts on what the scene has put there, is sent a few bodies, drains. With
 * one thread for its files the calls come in the same order.
 */
export class Course {
  readonly #scene: Scene
  readonly #trace: string

  constructor(scene: Scene, scratch: string) {
    this.#scene = scene
    this.#trace = join(scratch, "calls")
  }

  #start(under: readonly string[] = []): ServerProcess {
    const env = { UV_THREADPOOL_SIZE: "1" }
    const traced = under.length > 0 ? { under, env } : {}
    return startProcess("port", this.#scene.installation.config, { main, ...traced })
  }

  /** Every call of a course in which nothing fails. */
  async list(): Promise<{ calls: Call[]; faults: readonly string[] }> {
    this.#scene.restore()
    const writer = this.#writer()
    const port = this.#start(listingCommand(this.#trace))
    try {
      const code = await within(this.#through(port, writer), courseMsMax, "a course without faults")
      const faults =
        code === 0
          ? await this.#judge(writer, new Map())
          : [`it ended with ${code}: ${port.said().slice(-400)}`]
      return { calls: readCalls(this.#trace, this.#scene.directory), faults }
    } finally {
      writer.close()
      await port.signal("SIGKILL")
    }
  }

  /** The course with one fault, then another life in which everything must be there. */
  async strike(point: Point): Promise<PointEnd> {
    this.#scene.restore()
    const writer = this.#writer()
    const port = this.#start(faultCommand(point, this.#trace))
    let again: ServerProcess | undefined
    try {
      const code = await within(this.#through(port, writer), courseMsMax, "the end of the course")
      const reached = point.blow === "kill" ? code === null : wasInjected(this.#trace)
      const faults = endFaults(code, port.said(), reached)
      const signed = readSigned(this.#scene.installation.log)
      faults.push(...(await this.#scene.faults(false)))
      again = this.#start()
      const last = await within(this.#through(again, writer), courseMsMax, "the life after")
      if (last !== 0) faults.push(`the life after ended with ${last}: ${again.said().slice(-400)}`)
      faults.push(...(await this.#judge(writer, signed)))
      return { reached, code, faults }
    } finally {
      writer.close()
      await port.signal("SIGKILL")
      await again?.signal("SIGKILL")
    }
  }

  #writer(): Poster {
    return new Poster(this.#scene.installation.writer, this.#scene.bodies)
  }

  /** From the start of a port to its end: everything is posted, then it is asked to drain. */
  async #through(port: ServerProcess, writer: Poster): Promise<number | null> {
    const posted = async (): Promise<void> => {
      await port.ready
      await writer.postRest()
      await port.signal("SIGTERM")
    }
    // A writer that is not answered waits for the port's end, and says no more than that it came.
    await Promise.race([posted().catch(() => port.exit), port.exit])
    return port.exit
  }

  /** Everything acknowledged is there once, where it was told to be; the whole directory is verified. */
  async #judge(writer: Poster, signed: ReadonlyMap<number, string>): Promise<string[]> {
    const { installation, bodies } = this.#scene
    const { log, writer: profile } = installation
    const { faults, places } = await readLog(log)
    const found = [...faults, ...writer.faults, ...(await this.#scene.faults(true))]
    const there = places.get(writer.name) ?? []
    if (writer.indexes.length !== bodies.reduce((sum, count) => sum + count, 0)) {
      found.push(`${writer.indexes.length} events were answered in the end`)
    }
    for (const [n, index] of writer.indexes.entries()) {
      if (there[n] !== index) found.push(`event ${n}: told ${index}, is at ${there[n]}`)
    }
    const all = new Map([...signed, ...readSigned(log)])
    for (const [size, root] of signed) {
      if (all.get(size) !== root) found.push(`two roots at the signed size ${size}`)
    }
    found.push(...(await rootFaults(log, all)))
    const report = await verifyDirectory(log, { full: true, vkey: profile.log.vkey })
    if (!report.verified) found.push(`not verified: ${JSON.stringify(report.findings.slice(0, 3))}`)
    return found
  }
}

/** A port that ends by itself says what the disk did, and never that the log is damaged. */
function endFaults(code: number | null, said: string, reached: boolean): string[] {
  const faults: string[] = []
  if (code !== null && ![0, 70, 78].includes(code))
    faults.push(`ended with ${code}: ${said.slice(-400)}`)
  if (code !== 0 && !reached)
    faults.push(`ended with ${code} without the fault: ${said.slice(-400)}`)
  const alarm =
    /"code":"(LOG_DAMAGED|LOG_ROLLED_BACK|LOG_FORMAT|LOG_KEY_UNKNOWN|KEY_CHANGE_INVALID)"/.exec(
      said,
    )?.[1]
  if (alarm !== undefined) faults.push(`says ${alarm} of a log that is sound: ${said.slice(-400)}`)
  return faults
}
