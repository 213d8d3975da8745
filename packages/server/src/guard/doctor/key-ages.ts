import type { Finding, Result } from "../exposure/index.ts"
import type { KeyAge } from "../keys/index.ts"

const results: Readonly<Record<KeyAge["state"], Result>> = {
  ok: "ok",
  warn: "warn",
  over: "fail",
  unknown: "unknown",
}

/** How old a key that signs or seals is. Pure. */
export function judgeKey({ purpose, file, since, daysMax, state }: KeyAge): Finding {
  const result = results[state]
  const bound = daysMax === undefined ? "another one each month" : `at most ${daysMax} days`
  const age =
    since === undefined ? "it is in no file of ours" : `since ${since.slice(0, 10)}, ${bound}`
  return {
    ...{ id: "key.age", subject: `${purpose} key, ${file}`, severity: "high", result },
    evidence: age,
    fix: result === "ok" ? "" : "postern key list, and docs/operating/keys.md",
  }
}
