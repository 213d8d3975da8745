import type { X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"

const hourMs = 3_600_000

/** Of a certificate's life, from notBefore to notAfter. Younger ones are not renewed. */
const earliest = 1 / 3

/**
 * Whether a certificate is of an age at which it is renewed: valid, and past a third of its life.
 * @param now milliseconds. Errors: CERTIFICATE_REFUSED if it is not valid now, RENEWAL_EARLY with the moment from which on it may be.
 */
export function judgeAge(certificate: X509Certificate, now: number): void {
  const from = certificate.validFromDate.getTime()
  const to = certificate.validToDate.getTime()
  if (now < from) throw new PosternError("CERTIFICATE_REFUSED", "it is not valid yet")
  if (now >= to) {
    throw new PosternError("CERTIFICATE_REFUSED", "it has expired; connect with the new one")
  }
  const due = from + (to - from) * earliest
  if (now >= due) return
  throw new PosternError("RENEWAL_EARLY", `from ${new Date(due).toISOString()} on`)
}

/** Bounds how often somebody may ask: so many times in an hour, or in a life of the certificate if that is shorter. */
export class RequestPace {
  static readonly requestsMax = 8
  readonly #asked = new Map<string, number[]>()

  /** Counts a request. Errors: RATE_LIMITED, then it is not counted. @param now milliseconds */
  count(id: string, certificate: X509Certificate, now: number): void {
    const lifeMs = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
    const windowMs = Math.min(hourMs, lifeMs)
    // Nobody's window is longer than an hour; a clock that was set back forgets.
    for (const [other, times] of this.#asked) {
      const last = times.at(-1) ?? 0
      if (now - last > hourMs || last > now) this.#asked.delete(other)
    }
    const recent = (this.#asked.get(id) ?? []).filter((time) => now - time < windowMs)
    if (recent.length >= RequestPace.requestsMax) {
      const detail = `${recent.length} requests for a certificate in ${Math.round(windowMs / 1000)} s`
      throw new PosternError("RATE_LIMITED", detail)
    }
    this.#asked.set(id, [...recent, now])
  }
}
