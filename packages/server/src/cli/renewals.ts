import type { Config } from "../config/index.ts"
import { type HeldCertificate, listCertificates, renewDue } from "../guard/certificates/index.ts"
import type { ProcessName } from "../supervisor/index.ts"

const everyMs = 60_000

/** Whose certificate it is that a process shows. */
const processes: Readonly<Record<string, ProcessName>> = {
  server: "port",
  "reader process": "reader",
  "courier process": "courier",
}

export interface RenewalWorld {
  now(): Date
  note(text: string): void
}

/**
 * Keeps the certificates of the running processes young: once a minute, what is past half of its
 * life gets a successor, if our CA issued it and the CA's key is on this machine. Otherwise somebody
 * is told when little is left. The processes notice changed files by themselves; they never see the CA's key.
 */
export class Renewals {
  readonly #config: Config
  readonly #names: readonly ProcessName[]
  readonly #world: RenewalWorld
  readonly #told = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(config: Config, names: readonly ProcessName[], world: RenewalWorld) {
    this.#config = config
    this.#names = names
    this.#world = world
  }

  /** Looks once, then every minute. */
  async start(): Promise<void> {
    await this.look()
    this.#timer = setInterval(() => void this.look(), everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    try {
      const held = listCertificates(this.#config, this.#world.now())
      const old = held.filter((one) => this.#isOurs(one) && one.state !== "ok")
      this.#warn(old.filter(({ isOurs }) => !isOurs))
      const files = new Set(old.filter(({ isOurs }) => isOurs).map(({ file }) => file))
      if (files.size === 0) return
      const { renewed, left } = await renewDue(this.#config, this.#world.now(), ({ file }) =>
        files.has(file),
      )
      for (const { file, notAfter } of renewed) {
        this.#told.delete(file)
        this.#world.note(`${file} was renewed, until ${notAfter}`)
      }
      for (const { file, reason } of left) this.#tell(file, `${file} is not renewed: ${reason}`)
    } catch (error) {
      // Whatever it is, a full disk or one that may not be written: the service goes on without.
      const reason = error instanceof Error ? error.message : String(error)
      this.#tell("", `certificates are not renewed: ${reason}`)
    }
  }

  #isOurs({ holder }: HeldCertificate): boolean {
    const name = processes[holder]
    return name !== undefined && this.#names.includes(name)
  }

  #warn(old: readonly HeldCertificate[]): void {
    for (const { file, state, notAfter, problem } of old) {
      if (state === "due") continue
      this.#tell(file, `${file} ${problem ?? `ends ${notAfter}`}; it is not renewed here`)
    }
  }

  /** Once, not every minute. */
  #tell(about: string, text: string): void {
    if (this.#told.get(about) === text) return
    this.#told.set(about, text)
    this.#world.note(text)
  }
}
