import type { HeldCertificate } from "../certificates/index.ts"
import type { Finding, Result } from "../exposure/index.ts"

const results: Readonly<Record<HeldCertificate["state"], Result>> = {
  ok: "ok",
  due: "ok", // The service renews it by itself; if it does not, it comes to a warning.
  warn: "warn",
  fail: "fail",
}

/** How a certificate of the installation stands. Pure. */
export function judgeCertificate(held: HeldCertificate): Finding {
  const { holder, id, file, notAfter, lifeUsed, state, problem } = held
  const result = results[state]
  const life = `ends ${notAfter.slice(0, 10)}, ${Math.round(lifeUsed * 100)} % of its life is over`
  return {
    ...{ id: "certificate.age", subject: id === "" ? `${holder}, ${file}` : `${holder} ${id}` },
    ...{ severity: "critical", result },
    evidence: problem === undefined ? life : `${problem}: ${file}`,
    fix: result === "ok" ? "" : "postern pki status, and docs/operating/rotation.md",
  }
}
