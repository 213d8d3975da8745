import type { JsonObject, Outcome } from "@postern/log/event"

const codeLettersMax = 64
/** Codes by which Node, PostgreSQL and others say that somebody may not. */
const deniedCodes = new Set(["401", "403", "EACCES", "EPERM", "ERR_ACCESS_DENIED", "42501"])

/** How a request ended, by its HTTP status: below 400 success, 401 and 403 denied, from 500 on error, else failure. */
export function outcomeOfStatus(status: number): Outcome {
  if (!Number.isInteger(status) || status < 100 || status > 599) return "unknown"
  if (status < 400) return "success"
  if (status === 401 || status === 403) return "denied"
  return status < 500 ? "failure" : "error"
}

/**
 * How something ended that threw: denied if its code or status says so (401, 403, EACCES, EPERM, ERR_ACCESS_DENIED, PostgreSQL's 42501),
 * failure for another status from 400 to 499, else error.
 */
export function outcomeOfError(error: unknown): Outcome {
  const { code, status, statusCode } = membersOf(error)
  if ([code, status, statusCode].some((value) => deniedCodes.has(String(value)))) return "denied"
  const known = [status, statusCode].find((value) => typeof value === "number")
  return typeof known === "number" && known >= 400 && known < 500 ? "failure" : "error"
}

/**
 * `reason` of an error: its code, else its status, else its name. Messages are left out: they are written for developers, and hold what
 * nobody meant to keep.
 */
export function reasonOf(error: unknown): JsonObject {
  const { code, status, statusCode, name } = membersOf(error)
  const said = [code, status, statusCode, name].find(isCode)
  return { code: said === undefined ? "UNKNOWN" : String(said).slice(0, codeLettersMax) }
}

function isCode(value: unknown): value is string | number {
  return (typeof value === "string" && value !== "") || typeof value === "number"
}

/** Anything may be thrown, with getters that throw as well. */
function membersOf(error: unknown): Readonly<Record<string, unknown>> {
  if (typeof error !== "object" || error === null) return {}
  const members: Record<string, unknown> = {}
  for (const key of ["code", "status", "statusCode", "name"]) {
    try {
      members[key] = (error as Readonly<Record<string, unknown>>)[key]
    } catch {
      members[key] = undefined // What cannot be read was not said.
    }
  }
  return members
}
