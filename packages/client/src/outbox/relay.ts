import { join } from "node:path"
import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import { type Profile, profilePath } from "../profile.ts"
import { fileHolder, memoryHolder, type ProfileHolder, type RenewedPair } from "../renewal/index.ts"
import { Counts, createStderrReport, type Problem, systemWorld } from "../writer/index.ts"
import { Bell } from "./bell.ts"
import { listen, type OutboxDatabase } from "./database.ts"
import { newHolderName, Shift, type ShiftTiming } from "./shift.ts"
import { type HeldStream, Tables } from "./tables.ts"

export interface RelayOptions {
  /** As of connect(): told of everything that did not go as it should. Default: two lines on standard error, a kind at most every ten seconds. */
  readonly onProblem?: (problem: Problem) => void
  /** As of connect(): told of each new certificate and key of this profile. */
  readonly onRenewed?: (renewed: RenewedPair) => void | Promise<void>
}

export interface RelayStatus {
  /** This relay is the one that works; others wait until it is gone. */
  readonly isActive: boolean
  /** And its stream is open. */
  readonly isConnected: boolean
  /** Events that it has sent, or is about to, and that are not acknowledged. */
  readonly onTheWay: number
  /** Acknowledged by the port while this relay was active. */
  readonly acked: number
  /** Refused by the port, and kept aside. */
  readonly refused: number
  /** Taken by the port, which keeps less than all of them by its policy. */
  readonly notKept: number
  readonly lastProblem: Problem | undefined
}

/** Brings what is committed in the outbox to the port. Keeps its process alive until it is closed. */
export interface Relay {
  status(): RelayStatus
  /** Waits at most so long (default 5,000 ms) for what is on its way; everything else stays in the tables. Never rejects. */
  close(timeoutMs?: number): Promise<void>
}

export const relayTiming: ShiftTiming = { leaseMs: 15_000, pollMs: 1_000 }
const closeMs = 5_000
/** For what follows when nothing is on its way any more: records, and the end of the connections. */
const lateMs = 2_000
const pauseMinMs = 250
const pauseMaxMs = 5_000

/**
 * @param profile a writer's, or the path of one; below its spool directory is kept what is known of the log
 * @throws PosternError PROFILE_INVALID
 */
export function startRelay(
  database: OutboxDatabase,
  profile: Profile | string | undefined,
  { onProblem, onRenewed }: RelayOptions,
  timing: ShiftTiming,
): Relay {
  const holder =
    typeof profile === "object"
      ? memoryHolder(profile, onRenewed)
      : fileHolder(profilePath(profile), onRenewed)
  const { role, spool } = holder.read()
  if (role !== "writer") {
    throw new PosternError("PROFILE_INVALID", `it is a ${role}'s, not a writer's`)
  }
  if (spool === undefined) {
    throw new PosternError("PROFILE_INVALID", "it names no spool directory")
  }
  const report = onProblem ?? createStderrReport(() => systemWorld.nowMs())
  const relay = new TableRelay(database, holder, join(spool, "outbox"), report, timing)
  relay.start()
  return relay
}

/** Waits until it may hold the stream, works while it does, and begins again after whatever ends that. */
class TableRelay implements Relay {
  readonly #database: OutboxDatabase
  readonly #holder: ProfileHolder
  readonly #directory: string
  readonly #report: (problem: Problem) => void
  readonly #timing: ShiftTiming
  readonly #bell = new Bell()
  readonly #counts = new Counts()
  #lastProblem: Problem | undefined
  #shift: Shift | undefined
  #stopListening: (() => Promise<void>) | undefined
  #closingMs: number | undefined
  #working: Promise<void> = Promise.resolve()

  constructor(
    database: OutboxDatabase,
    holder: ProfileHolder,
    directory: string,
    report: (problem: Problem) => void,
    timing: ShiftTiming,
  ) {
    this.#database = database
    this.#holder = holder
    this.#directory = directory
    this.#report = report
    this.#timing = timing
  }

  start(): void {
    this.#working = this.#work()
  }

  status(): RelayStatus {
    const { acked, refused, notKept } = this.#counts
    return {
      isActive: this.#shift !== undefined,
      isConnected: this.#shift?.isConnected ?? false,
      onTheWay: this.#shift?.events ?? 0,
      ...{ acked, refused, notKept, lastProblem: this.#lastProblem },
    }
  }

  async close(timeoutMs = closeMs): Promise<void> {
    this.#closingMs ??= timeoutMs
    this.#shift?.stop(this.#closingMs)
    this.#bell.ring()
    // A database that has fallen silent is not waited for: who held the stream loses it by time.
    const patience = new Bell()
    await Promise.race([
      this.#working.then(() => patience.ring()),
      patience.wait(timeoutMs + lateMs),
    ])
  }

  async #work(): Promise<void> {
    let pauseMs = pauseMinMs
    while (this.#closingMs === undefined) {
      try {
        await this.#takeTurn()
        pauseMs = pauseMinMs
      } catch (error) {
        this.#tellError(error)
        await this.#bell.wait(pauseMs)
        pauseMs = Math.min(pauseMaxMs, pauseMs * 2)
      }
    }
    await this.#stopListeningNow()
  }

  /** Each turn has a name of its own: what a turn before asked, and was not answered, must not count for this one. */
  async #takeTurn(): Promise<void> {
    const { leaseMs, pollMs } = this.#timing
    const tables = new Tables(this.#database, newHolderName())
    const held = await tables.hold(leaseMs, newHolderName())
    if (held === undefined) return this.#bell.wait(Math.min(pollMs, leaseMs / 3))
    try {
      await this.#workOn(held, tables)
    } finally {
      this.#shift = undefined
      await this.#quietly(() => tables.release())
    }
  }

  async #workOn(held: HeldStream, tables: Tables): Promise<void> {
    const parts = { tables, bell: this.#bell, timing: this.#timing }
    const identity = { holder: this.#holder, directory: this.#directory }
    const shift = new Shift(held, parts, identity, {
      delivered: (delivered) => {
        this.#counts.delivered(delivered, (...problem) => this.#tell(...problem))
      },
      tell: (...problem) => this.#tell(...problem),
    })
    this.#shift = shift
    if (this.#closingMs !== undefined) shift.stop(this.#closingMs)
    await this.#listen()
    await shift.work()
  }

  /** Hints make it quick; without them rows are found by looking. */
  async #listen(): Promise<void> {
    if (this.#stopListening !== undefined || this.#closingMs !== undefined) return
    await this.#quietly(async () => {
      const hinted = (): void => this.#bell.ring()
      this.#stopListening = await listen(this.#database, hinted, () => this.#listenAgain())
    })
    if (this.#closingMs !== undefined) await this.#stopListeningNow()
  }

  #listenAgain(): void {
    if (this.#stopListening === undefined) return
    const again = async (): Promise<void> => {
      await this.#stopListeningNow()
      await this.#listen()
    }
    again().catch((error) => this.#tellError(error))
  }

  async #stopListeningNow(): Promise<void> {
    const stop = this.#stopListening
    this.#stopListening = undefined
    await this.#quietly(() => stop?.())
  }

  async #quietly(act: () => Promise<void> | undefined): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.#tellError(error)
    }
  }

  #tellError(error: unknown): void {
    if (isPosternError(error)) return this.#tell(error.code, error.detail, 0)
    this.#tell("OUTBOX_DATABASE", String(error), 0)
  }

  #tell(code: ErrorCode, detail: string | undefined, events: number): void {
    const { message, hint } = new PosternError(code, detail)
    const problem = { code, message, hint, events }
    this.#lastProblem = problem
    try {
      this.#report(problem)
    } catch {
      // The application's own fault in its own function must not stop the relay.
    }
  }
}
