import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { type Config, loadConfig } from "../config/index.ts"
import { examineFirewall } from "../guard/doctor/index.ts"
import type { Finding } from "../guard/exposure/index.ts"
import { profilesDirectory } from "../guard/setup/index.ts"
import { adminClient, tellOf } from "./admin-client.ts"
import type { CommandIo } from "./io.ts"

const everyMs = 20_000
const evidenceMax = 500

/**
 * Asks the kernel three times a minute whether our firewall rules are still there: somebody may delete them under a running
 * service. That they are not, and that they are again, is told, is an entry, and has the whole doctor look.
 */
export class FirewallWatch {
  readonly #config: string
  readonly #io: CommandIo
  readonly #changed: () => Promise<void>
  #last: Finding["result"] = "ok"
  #timer: NodeJS.Timeout | undefined

  /** @param changed has everything else looked at */
  constructor(config: string, io: CommandIo, changed: () => Promise<void>) {
    this.#config = config
    this.#io = io
    this.#changed = changed
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
    const config = loadConfig(this.#config)
    const finding = await this.#ask(config)
    if (finding.result === this.#last) return
    this.#last = finding.result
    this.#io.note(`postern: firewall: ${finding.result}: ${finding.evidence}`)
    // That it cannot be seen from here is nothing that happened to it: doctor says so.
    if (finding.result === "unknown") return
    const outcome = finding.result === "ok" ? "success" : "failure"
    const action = `postern.firewall.${finding.result === "ok" ? "found" : "drifted"}`
    const data = { result: finding.result, evidence: finding.evidence.slice(0, evidenceMax) }
    const operator = join(profilesDirectory(config), "operator.yaml")
    try {
      await tellOf(adminClient(loadProfile(operator)), { action, outcome, data }, this.#io)
    } catch (error) {
      this.#io.note(`postern: this is no entry of the log: ${String(error)}`)
    }
    await this.#changed()
  }

  async #ask(config: Config): Promise<Pick<Finding, "result" | "evidence">> {
    try {
      const [finding] = await examineFirewall(config, this.#io.now())
      return finding ?? { result: "unknown", evidence: "nothing was looked at" }
    } catch (error) {
      return { result: "unknown", evidence: error instanceof Error ? error.message : String(error) }
    }
  }
}
