import { execFileSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { isPosternError } from "@postern/log/base"
import { digestsOf } from "@postern/log/event"
import { adminClient } from "../../packages/server/dist/cli/admin-client.js"
import { openDisclosures } from "../../packages/server/dist/disclosures/index.js"
import { verifyDirectory } from "../../packages/server/dist/guard/verify/index.js"
import { makeScratch } from "../crash/cleanup.ts"
import type { Decisions } from "../crash/decisions.ts"
import type { Installation } from "../crash/installation.ts"
import { type Call, faultCommand, listingCommand, readCalls } from "../crash/matrix/calls.ts"
import { startPort, startProcess } from "../crash/port-process.ts"
import type { Report } from "../crash/report.ts"
import { straceMissing } from "../crash/strace.ts"
import { dataOf, Entries } from "../support/entries.ts"
import { within } from "../support/waiting.ts"
import { spellings, stealKey } from "./keys.ts"
import { emailOf, eventOf, findBytes, openScene, post } from "./stage.ts"

const person = "dominique-unmistakable"
const other = "emmanuel-unmistakable"
const courseMsMax = 30_000
/** Of the short form, which strikes as many points as that leaves time for. */
const sampleSecondsMax = 20

/**
 * Every system call of an erasure on keys, state and log: the port is killed in it, and the next life leaves it as it was before, or as it is
 * after: entries, keys and values say the same.
 */
export async function killEverywhere(
  report: Report,
  decisions: Decisions,
  isLong: boolean,
): Promise<void> {
  const missing = straceMissing()
  if (missing !== undefined) {
    report.line(`left out: ${missing}`)
    if (process.env.CI !== undefined) report.check(false, missing)
    return
  }
  const scene = await Scene.make(makeScratch())
  const { calls, faults } = await scene.list()
  report.checkNone(faults, "an erasure that nobody disturbs")
  report.line(`${calls.length} calls on ${new Set(calls.map(({ path }) => path)).size} files`)
  const isOfErasure = ({ path }: Call): boolean => /erasing|personal/.test(path)
  const own = calls.filter(isOfErasure)
  report.line(`${own.length} of them on keys, and on what is being erased`)
  // Those that only an erasure makes come first; the others are those of any start and entry.
  const [first, left] = [[...own], calls.filter((call) => !isOfErasure(call))]
  const end = performance.now() + sampleSecondsMax * 1000
  let [struck, before, after] = [0, 0, 0]
  while (isLong || performance.now() < end) {
    const from = first.length > 0 ? first : left
    const [call] = from.splice(decisions.between(0, from.length), 1)
    if (call === undefined) break
    const what = `killed at ${call.call} ${call.nth} of ${scene.nameOf(call.path)}`
    const found = await scene.strike(call)
    report.checkNone(found.faults, what)
    struck += 1
    if (found.isErased) after += 1
    else before += 1
  }
  report.line(`${struck} points struck: ${before} as before, ${after} as after`)
  report.check(isLong ? before > 0 && after > 0 : struck > 0, "both ends were seen")
  report.count("points at which an erasure was killed", struck)
}

interface Judged {
  readonly isErased: boolean
  readonly faults: string[]
}

class Scene {
  readonly #installation: Installation
  readonly #scratch: string
  /** Of the person and of the other one: an entry of theirs. */
  readonly #indexes: readonly [number, number]
  readonly #secrets: Record<string, Uint8Array>

  private constructor(
    installation: Installation,
    scratch: string,
    indexes: readonly [number, number],
    secrets: Record<string, Uint8Array>,
  ) {
    this.#installation = installation
    this.#scratch = scratch
    this.#indexes = indexes
    this.#secrets = secrets
  }

  /** A port that has sealed values of two persons, and stopped; put back before each course. */
  static async make(scratch: string): Promise<Scene> {
    const installation = await openScene(join(scratch, "i"))
    const port = await startPort(installation.config)
    const indexes = await post(installation, [
      ...Array.from({ length: 20 }, (_, n) => eventOf(person, n, 1)),
      eventOf(other, 0, 1),
    ])
    await port.signal("SIGTERM")
    const { key, wrapped } = await stealKey(installation.directory, await numberOf(installation))
    for (const place of ["data", "sealing"])
      execFileSync("cp", ["-a", join(scratch, "i", place), join(scratch, place)])
    const secrets = {
      ...{ name: Buffer.from(person), email: Buffer.from(emailOf(person)) },
      ...spellings("key", key),
      ...spellings("wrapped key", wrapped),
    }
    return new Scene(installation, scratch, [indexes[0] ?? 0, indexes.at(-1) ?? 0], secrets)
  }

  nameOf(path: string): string {
    return path.slice(this.#installation.directory.length + 1)
  }

  #restore(): void {
    for (const place of ["data", "sealing"]) {
      rmSync(join(this.#installation.directory, place), { recursive: true, force: true })
      execFileSync("cp", ["-a", join(this.#scratch, place), this.#installation.directory])
    }
  }

  /** Starts the port, has it erase, ends it. Gives its exit code; null if it was killed. */
  async #course(under: readonly string[]): Promise<number | null> {
    this.#restore()
    const { config, directory } = this.#installation
    const env = { UV_THREADPOOL_SIZE: "1" }
    const port = startProcess("port", config, { under, env })
    try {
      await Promise.race([port.ready, port.exit])
      await erase(directory).catch((error: unknown) => {
        // The port was killed meanwhile.
        if (!isPosternError(error) || !["UNREACHABLE", "TLS_HANDSHAKE"].includes(error.code))
          throw error
      })
      const ended = port.signal("SIGTERM")
      return await within(ended, courseMsMax, "the end of the course")
    } finally {
      await port.signal("SIGKILL")
    }
  }

  /** The calls of a whole course, those of the start on keys and log included. */
  async list(): Promise<{ calls: Call[]; faults: string[] }> {
    const trace = join(this.#scratch, "calls")
    const code = await this.#course(listingCommand(trace))
    const { directory } = this.#installation
    const calls = ["data", "sealing"].flatMap((place) => readCalls(trace, join(directory, place)))
    const judged = await this.#judge()
    const faults = [...judged.faults, ...(code === 0 ? [] : [`the port ended with ${code}`])]
    if (!judged.isErased) faults.push("nobody was erased")
    return { calls, faults }
  }

  async strike(call: Call): Promise<Judged> {
    const trace = join(this.#scratch, "struck")
    await this.#course(faultCommand({ ...call, blow: "kill" }, trace))
    const port = await startPort(this.#installation.config)
    await port.signal("SIGTERM")
    return await this.#judge()
  }

  /** What entries, keys and values say: the same, or it is in between. */
  async #judge(): Promise<Judged> {
    const { directory, log, writer } = this.#installation
    const entries = await Entries.follow(log)
    const all = await entries.all()
    await entries.close()
    const count = (action: string) => all.filter(({ event }) => event.action === action).length
    const [began, erased] = [count("postern.erasure.began"), count("postern.erased")]
    const values = openDisclosures({
      sealed: join(directory, "data", "disclosures"),
      keys: join(directory, "sealing"),
    })
    const asked = (index: number) => {
      const event = all[index]?.event ?? {}
      return Promise.all(digestsOf(event).map((digest) => values.read(digest, index)))
    }
    const faults: string[] = []
    const [theirs, others] = [await asked(this.#indexes[0]), await asked(this.#indexes[1])]
    const gone = theirs.filter(({ state }) => state === "erased").length
    const isErased = erased === 1
    if (began !== erased || erased > 1) faults.push(`${began} began, ${erased} ended`)
    if (gone !== (isErased ? 2 : 0)) faults.push(`${gone} of two values are gone`)
    if (others.some(({ state }) => state !== "held")) faults.push("the other one's are not there")
    const told = all.find(({ event }) => event.action === "postern.erased")
    if (told !== undefined && dataOf(told).values !== 40)
      faults.push(`it tells of ${dataOf(told).values} values`)
    if (isErased) faults.push(...findBytes(this.#installation, this.#secrets))
    const options = { vkey: writer.log.vkey, full: true }
    const disclosures = (index: number, digest: string) => values.read(digest, index)
    const verified = await verifyDirectory(log, { ...options, disclosures })
    for (const { where, what } of verified.findings) faults.push(`${where}: ${what}`)
    return { isErased, faults }
  }
}

function adminOf(directory: string) {
  return adminClient(loadProfile(join(directory, "profiles", "operator.yaml")))
}

async function erase(directory: string): Promise<void> {
  const admin = adminOf(directory)
  const nobody = (): void => undefined
  const looked = await admin.errand("erasure/look", { subject: person }, nobody)
  const { values, digest } = looked as { values: number; digest: string }
  const asked = { subject: person, ground: "a test", values, digest }
  await admin.errand("erasure/run", asked, nobody)
}

/** The number of the person's key. */
async function numberOf({ config, directory }: Installation): Promise<number> {
  const port = await startPort(config)
  try {
    const looked = await adminOf(directory).errand(
      "erasure/look",
      { subject: person },
      () => undefined,
    )
    return Number((looked as { key: string }).key.split("-")[0])
  } finally {
    await port.signal("SIGTERM")
  }
}
