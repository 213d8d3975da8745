import { existsSync } from "node:fs"
import { basename, join } from "node:path"
import { loadProfile } from "@postern/client"
import { type Config, readTextFile } from "../config/index.ts"
import { type Expiry, expireUnanswered, passedReview } from "../guard/access/index.ts"
import { changeFile, profilesDirectory } from "../guard/setup/index.ts"
import { adminClient, tellOf } from "./admin-client.ts"
import type { CommandIo } from "./io.ts"
import { applyAccess } from "./live-access.ts"

const everyMs = 60_000
/** Of identities in one entry. */
const namedMax = 32

/**
 * Ends what a review left unanswered, if its deadline is over: changes access.yaml, has the running service take it over, and has it
 * entered. Undefined if there is nothing to end. Errors: those of applyAccess(), and of a file that cannot be changed.
 */
export async function endUnanswered(
  config: Config,
  io: CommandIo,
  operator = operatorFile(config),
): Promise<Expiry | undefined> {
  const passed = passedReview(config, io.now().getTime())
  const ended = (): Expiry | undefined =>
    passed && expireUnanswered(passed.campaign, readTextFile(config.access), io.now())
  if (passed === undefined || (ended()?.expired.length ?? 0) === 0) return undefined
  const admin = existsSync(operator) ? adminClient(loadProfile(operator)) : undefined
  // A service that cannot be asked now is asked later, so that the log hears of it.
  await admin?.status()
  let expiry: Expiry | undefined
  changeFile(config.access, () => {
    expiry = ended()
    return expiry?.text ?? readTextFile(config.access)
  })
  if (admin === undefined || expiry === undefined) return expiry
  await applyAccess({ config, profile: operator })
  const { expired, left } = expiry
  const data = {
    ...{ review: basename(passed.file), deadline: passed.campaign.deadline },
    ...{
      count: expired.length,
      expired: expired.slice(0, namedMax),
      left: left.slice(0, namedMax),
    },
  }
  await tellOf(admin, { action: "postern.access.expired", outcome: "success", data }, io)
  return expiry
}

function operatorFile(config: Config): string {
  return join(profilesDirectory(config), "operator.yaml")
}

/** Has reviews end at their deadline, whether somebody is there or not: looks once a minute. */
export class ReviewDeadlines {
  readonly #config: Config
  readonly #io: CommandIo
  readonly #reload: () => void
  #told = ""
  #timer: NodeJS.Timeout | undefined

  /** @param reload has the port read the list where no operator's profile lies here */
  constructor(config: Config, io: CommandIo, reload: () => void) {
    this.#config = config
    this.#io = io
    this.#reload = reload
  }

  start(): void {
    this.#timer = setTimeout(() => {
      void this.look().finally(() => this.start())
    }, everyMs)
    this.#timer.unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async look(): Promise<void> {
    try {
      const expiry = await endUnanswered(this.#config, this.#io)
      if (expiry === undefined) return
      if (!existsSync(operatorFile(this.#config))) this.#reload()
      const names = expiry.expired.join(", ")
      this.#tell(`the review's deadline is over, and nobody answered for them: ended ${names}`)
    } catch (error) {
      // Whatever it is, such as a list that may not be written from here: doctor fails until it is done.
      const why = error instanceof Error ? error.message : String(error)
      this.#tell(`the review's deadline is over, and what nobody answered cannot be ended: ${why}`)
    }
  }

  /** Once, not every minute. */
  #tell(text: string): void {
    if (this.#told === text) return
    this.#told = text
    this.#io.note(`postern: ${text}`)
  }
}
