import { join } from "node:path"
import { loadProfile } from "@postern/client"
import type { Config } from "../config/index.ts"
import { profilesDirectory } from "../guard/setup/index.ts"
import { Examinations } from "./examinations.ts"
import { FirewallWatch } from "./firewall-watch.ts"
import type { CommandIo } from "./io.ts"
import { RetentionWatch } from "./retention-watch.ts"
import { ReviewDeadlines } from "./review-deadlines.ts"

/** Names it where a process is named (`--only`), though it is none: it looks at the processes. */
export const watchName = "watch"

const aliveMs = 3_600_000
/** Beside a service that was started before us there is nothing to wait for. */
const aloneMs = 5_000

/** What the guard does by itself beside a running service: the doctor, the firewall and, of a service's own, the deadlines of reviews. */
export class GuardWatch {
  readonly #examinations: Examinations
  readonly #firewall: FirewallWatch
  readonly #deadlines: ReviewDeadlines
  readonly #retention: RetentionWatch

  /** @param reload as of ReviewDeadlines */
  constructor(config: Config, io: CommandIo, reload: () => void) {
    this.#examinations = new Examinations(config.file, io)
    this.#firewall = new FirewallWatch(config.file, io, () => this.#examinations.examine())
    this.#deadlines = new ReviewDeadlines(config, io, reload)
    this.#retention = new RetentionWatch(config, io)
  }

  start(): void {
    this.startLooking()
    this.startDeadlines()
  }

  /**
   * Doctor and firewall: looks, and changes nothing.
   * @param afterMs until the first look of the doctor; if not given, what a service needs to come up
   */
  startLooking(afterMs?: number): void {
    this.#examinations.start(afterMs)
    this.#firewall.start()
  }

  /** And retention. Where the port runs alone: the list is its own, and the rest needs a reader, too. */
  startDeadlines(): void {
    this.#deadlines.start()
    this.#retention.start()
  }

  stop(): void {
    this.#examinations.stop()
    this.#firewall.stop()
    this.#deadlines.stop()
    this.#retention.stop()
  }
}

/**
 * Watches a service that somebody else runs, until a signal ends it, and changes nothing: whoever may write access.yaml ends what a review
 * left unanswered (`postern access review expire`). Errors: those of the operator's profile, without which
 * nothing that is seen would become an entry.
 */
export async function watchAlone(config: Config, io: CommandIo): Promise<void> {
  loadProfile(join(profilesDirectory(config), "operator.yaml"))
  const watch = new GuardWatch(config, io, () => undefined)
  watch.startLooking(aloneMs)
  const alive = setInterval(() => undefined, aliveMs)
  // Every look reads its files again: there is nothing to reload.
  process.on("SIGHUP", () => undefined)
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve())
  })
  io.note("postern: watch ready")
  await ended
  clearInterval(alive)
  watch.stop()
}
