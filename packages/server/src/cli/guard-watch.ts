import { join } from "node:path"
import { loadProfile } from "@postern/client"
import type { Config } from "../config/index.ts"
import { profilesDirectory } from "../guard/setup/index.ts"
import { Examinations } from "./examinations.ts"
import { FirewallWatch } from "./firewall-watch.ts"
import type { CommandIo } from "./io.ts"
import { ReviewDeadlines } from "./review-deadlines.ts"

/** Names it where a process is named (`--only`), though it is none: it looks at the processes. */
export const watchName = "watch"

const aliveMs = 3_600_000
/** Beside a service that was started before us there is nothing to wait for. */
const aloneMs = 5_000

/** What the guard does by itself beside a running service: the doctor, the firewall, the deadlines of reviews. */
export class GuardWatch {
  readonly #examinations: Examinations
  readonly #firewall: FirewallWatch
  readonly #deadlines: ReviewDeadlines

  /** @param reload as of ReviewDeadlines */
  constructor(config: Config, io: CommandIo, reload: () => void) {
    this.#examinations = new Examinations(config.file, io)
    this.#firewall = new FirewallWatch(config.file, io, () => this.#examinations.examine())
    this.#deadlines = new ReviewDeadlines(config, io, reload)
  }

  /** @param afterMs until the first look of doctor and deadlines; if not given, what a service needs to come up */
  start(afterMs?: number): void {
    this.#examinations.start(afterMs)
    this.#firewall.start()
    this.#deadlines.start(afterMs)
  }

  /** Where the port runs alone: the list is its own, and the rest needs a reader, too. */
  startDeadlines(): void {
    this.#deadlines.start()
  }

  stop(): void {
    this.#examinations.stop()
    this.#firewall.stop()
    this.#deadlines.stop()
  }
}

/**
 * Watches a service that somebody else runs, until a signal ends it. Errors: those of the operator's profile, without which
 * nothing that is seen would become an entry.
 */
export async function watchAlone(config: Config, io: CommandIo): Promise<void> {
  loadProfile(join(profilesDirectory(config), "operator.yaml"))
  const watch = new GuardWatch(config, io, () => undefined)
  watch.start(aloneMs)
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
