import { type ErrorCode, isPosternError } from "@postern/log/base"
import type { ProfileHolder } from "./holder.ts"
import { createPair, judgeCertificate, type Life, lifeOf } from "./pair.ts"

/** What it takes from outside besides the profile; tests hand in their own. */
export interface RenewalWorld {
  /** Milliseconds since 1970-01-01 UTC. */
  nowMs(): number
  /** In [0, 1); for jitter only. */
  random(): number
  startTimer(run: () => void, delayMs: number): { cancel(): void; hold(isHeld: boolean): void }
}

export const systemRenewalWorld: RenewalWorld = {
  nowMs: () => Date.now(),
  random: () => Math.random(),
  startTimer(run, delayMs) {
    const timer = setTimeout(run, delayMs)
    return {
      cancel: () => clearTimeout(timer),
      hold: (isHeld) => (isHeld ? timer.ref() : timer.unref()),
    }
  },
}

/** A connection over which a new certificate can be asked for. */
export interface AskingLine {
  /** The certificate that it showed, PEM. */
  readonly shown: string
  /** Resolves to a certificate (PEM) for this request. Errors: what the port says, UNREACHABLE. */
  ask(request: Uint8Array): Promise<string>
  /** Goes on over a connection that shows the profile's present certificate; begin() is called for it. */
  reconnect(): void
}

/** Shares of a certificate's life: from here on it is renewed, somewhat later by chance, so that many do not come at once. */
const dueAt = 0.5
const spread = 0.05
/** From here on somebody should know that it was not. */
const lateAt = 0.8
/** Between two attempts: at first, and at most; less for certificates of short life. */
const pauseMsMin = 60_000
const pauseMsMax = 3_600_000
/** No timer is longer; what is due later is looked at again. */
const timerMsMax = 86_400_000

/** Keeps one profile's certificate young, over whatever connection is open. */
export class Renewal {
  readonly #holder: ProfileHolder
  readonly #world: RenewalWorld
  readonly #tell: (code: ErrorCode, detail: string) => void
  readonly #jitter: number
  #line: AskingLine | undefined
  /** The newest certificate that the connection stands for: shown, or given on it. */
  #lineCertificate = ""
  #timer: ReturnType<RenewalWorld["startTimer"]> | undefined
  #attempt: Promise<void> | undefined
  #failures = 0
  #nextMs = Number.NEGATIVE_INFINITY
  #problem: string | undefined
  /** The certificate of which it was told that it is late. */
  #late = ""
  #isStopped = false

  /** @param tell RENEWAL_LATE, when little is left and no attempt succeeded; again with each further attempt that fails */
  constructor(
    holder: ProfileHolder,
    world: RenewalWorld,
    tell: (code: ErrorCode, detail: string) => void,
  ) {
    this.#holder = holder
    this.#world = world
    this.#tell = tell
    this.#jitter = world.random() * spread
  }

  /** This connection is open, until end(). */
  begin(line: AskingLine): void {
    this.#line = line
    this.#lineCertificate = line.shown
    this.#look()
  }

  /** The connection is gone. */
  end(): void {
    this.#line = undefined
  }

  /** Nothing is asked any more. Resolves when what is under way has ended, but not later than in `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    if (this.#attempt === undefined) return
    await new Promise<void>((resolve) => {
      const timer = this.#world.startTimer(resolve, withinMs)
      void this.#attempt?.finally(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** The port knows nothing of renewals: none is asked for any more, but that little is left is told. */
  refuse(): void {
    this.#line = undefined
    this.#nextMs = Number.POSITIVE_INFINITY
    this.#problem = "the port is an older one that renews nothing"
  }

  get isAsking(): boolean {
    return this.#attempt !== undefined
  }

  #look(): void {
    if (this.#isStopped || this.#attempt !== undefined) return
    const profile = this.#holder.read()
    const now = this.#world.nowMs()
    const life = readLife(profile.certificate)
    if (life === undefined) return this.#wait(now + pauseMsMax)
    const at = (share: number): number => life.fromMs + (life.toMs - life.fromMs) * share
    const dueMs = Math.max(at(dueAt + this.#jitter), this.#nextMs)
    if (now >= dueMs && this.#line !== undefined) {
      if (this.#lineCertificate !== profile.certificate) return this.#line.reconnect()
      return this.#begin(this.#line)
    }
    if (now >= at(lateAt) && this.#late !== profile.certificate) {
      this.#tellLate(profile.certificate, life)
    }
    const lateMs = this.#late === profile.certificate ? Number.POSITIVE_INFINITY : at(lateAt)
    this.#wait(this.#line === undefined ? lateMs : Math.min(dueMs, lateMs))
  }

  #wait(untilMs: number): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#isStopped || untilMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.min(Math.max(0, untilMs - this.#world.nowMs()), timerMsMax)
    this.#timer = this.#world.startTimer(() => this.#look(), delayMs)
    this.#timer.hold(false)
  }

  #begin(line: AskingLine): void {
    this.#attempt = this.#renew(line)
      .then(() => {
        this.#failures = 0
        this.#nextMs = Number.NEGATIVE_INFINITY
        this.#problem = undefined
      })
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#attempt = undefined
        this.#look()
      })
  }

  async #renew(line: AskingLine): Promise<void> {
    await this.#holder.demandRoom()
    const { key, request } = await createPair()
    const certificate = await line.ask(request)
    judgeCertificate(certificate, key, this.#holder.read(), this.#world.nowMs())
    // From here on the port takes this one for the connection's.
    if (line === this.#line) this.#lineCertificate = certificate
    await this.#holder.keep({ certificate, key }).catch((error) => {
      this.#tell("RENEWAL_FAILED", `the new certificate could not be kept: ${error}`)
      throw error
    })
    if (line === this.#line) this.#lineCertificate = this.#holder.read().certificate
  }

  #failed(error: unknown): void {
    // A port that renews nothing has been found out already.
    if (this.#nextMs !== Number.POSITIVE_INFINITY) this.#problem = problemOf(error)
    const { certificate } = this.#holder.read()
    const life = readLife(certificate)
    if (life === undefined) return
    const now = this.#world.nowMs()
    const lifeMs = life.toMs - life.fromMs
    const pauseMs = Math.min(pauseMsMin, lifeMs / 50) * 2 ** Math.min(this.#failures, 20)
    this.#failures += 1
    if (this.#nextMs !== Number.POSITIVE_INFINITY) {
      const isLasting = isPosternError(error) && error.code === "RENEWAL_REFUSED"
      this.#nextMs = now + (isLasting ? lifeMs / 20 : Math.min(pauseMs, pauseMsMax, lifeMs / 8))
    }
    if (now >= life.fromMs + lifeMs * lateAt) this.#tellLate(certificate, life)
  }

  #tellLate(certificate: string, { toMs }: Life): void {
    this.#late = certificate
    const why = this.#problem ?? "there was no connection to ask on"
    this.#tell("RENEWAL_LATE", `it ends ${new Date(toMs).toISOString()}; ${why}`)
  }
}

/** Undefined for what is no certificate: somebody has put it into the profile, and the next connection says what is wrong. */
function readLife(certificate: string): Life | undefined {
  try {
    return lifeOf(certificate)
  } catch {
    return undefined // Looked at again later.
  }
}

function problemOf(error: unknown): string {
  if (!isPosternError(error)) return String(error)
  return [error.code, error.detail ?? error.message].join(": ")
}
