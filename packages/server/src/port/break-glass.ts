import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { PosternError } from "@postern/log/base"
import { type AccessList, breakGlassMs, breakGlassOf, isLive } from "../access/index.ts"
import { checkStatement, type SignedStatement, type StatementWorld } from "../approval/index.ts"
import { readTextFile } from "../config/index.ts"
import type { BreakGlassHealth } from "./ops/index.ts"
import type { OwnStream } from "./own-stream.ts"
import type { Tell } from "./port.ts"

const filesMax = 64
const reasonsMax = 3
/** How long after the opening it must be reviewed. */
export const reviewWithinMs = 86_400_000

/** One use of break-glass access, from its opening until it was reviewed. */
export interface Opening {
  /** SPIFFE ID of the reader. */
  readonly identity: string
  /** The operator who opened it, and the SHA-256 of their key. */
  readonly by: string
  readonly key: string
  readonly reason: string
  /** RFC 3339, UTC. */
  readonly opened: string
  readonly until: string
  readonly statement: string
}

/**
 * The openings that a changed list asks for: each must be signed by an operator, with a reason, for an identity that is sealed
 * in the list in force, for an hour at most. What lies in the directory is hostile. Errors: APPROVAL_MISSING.
 */
export function demandOpenings(
  directory: string,
  after: AccessList,
  world: StatementWorld,
): readonly Opening[] {
  const before = new Map(breakGlassOf(world.list.identities).map((one) => [one.id, one]))
  const opened = breakGlassOf(after.identities).filter(({ id, expires }) => {
    return expires !== undefined && expires > world.nowMs && before.get(id)?.expires !== expires
  })
  return opened.map(({ id, expires = 0 }) => {
    const sealed = before.get(id)
    if (sealed === undefined || sealed.expires !== undefined)
      throw missing(id, "it is not sealed in the list in force: a seal is broken once")
    if (expires > world.nowMs + breakGlassMs) throw missing(id, "it would last longer than an hour")
    return findOpening(directory, { id, expires }, world)
  })
}

function findOpening(
  directory: string,
  { id, expires }: { readonly id: string; readonly expires: number },
  world: StatementWorld,
): Opening {
  const reasons: string[] = []
  for (const name of namesIn(directory)) {
    try {
      const one = checkStatement(readTextFile(join(directory, name)), world)
      if (isAbout(one, id, expires)) return openingOf(one, world.nowMs)
    } catch (error) {
      if (!(error instanceof PosternError)) throw error
      reasons.push(`${name}: ${error.detail}`)
    }
  }
  throw missing(id, ["no operator signed its opening", ...reasons.slice(0, reasonsMax)].join("; "))
}

function isAbout({ kind, fields, time }: SignedStatement, id: string, expires: number): boolean {
  const isSame = fields.identity === id && Date.parse(fields.until ?? "") === expires
  return kind === "open-break-glass" && isSame && expires <= Date.parse(time) + breakGlassMs
}

function openingOf({ fields, by, key, text }: SignedStatement, nowMs: number): Opening {
  const { identity = "", until = "", reason = "" } = fields
  return {
    ...{ identity, by, key, reason, until, statement: text },
    opened: new Date(nowMs).toISOString(),
  }
}

function missing(id: string, why: string): PosternError {
  return new PosternError("APPROVAL_MISSING", `break-glass ${id}: ${why}`)
}

function namesIn(directory: string): string[] {
  if (!existsSync(directory)) return []
  const names = readdirSync(directory).filter((name) => name.endsWith(".opened"))
  return names.toSorted().slice(-filesMax)
}

export interface BreakGlassWorld {
  /** Where openings that were not reviewed are remembered over the lives of the port. */
  readonly file: string
  readonly own: Pick<OwnStream, "record">
  readonly tell: Tell
  now(): number
}

/** What was opened and waits for its review. Each opening is announced before the list that lets it in is in the log. */
export class BreakGlass {
  readonly #world: BreakGlassWorld
  #openings: readonly Opening[]

  /** @param list in force at the start: what lasts over it is announced again */
  constructor(world: BreakGlassWorld, list: AccessList) {
    this.#world = world
    this.#openings = readOpenings(world)
    const live = breakGlassOf(list.identities).filter((one) => isLive(one, world.now()))
    for (const { id } of live) {
      const known = this.#openings.find(({ identity }) => identity === id)
      this.#announce(known ?? { identity: id, by: "unknown", reason: "unknown" })
    }
  }

  open(openings: readonly Opening[]): void {
    for (const opening of openings) {
      this.#announce(opening)
      this.#openings = [...this.#openings, opening]
    }
    if (openings.length > 0) this.#keep()
  }

  /** A verdict on one opening becomes an entry. Errors: APPROVAL_INVALID, NOT_FOUND if nothing of that name waits for one. */
  review({ fields, by, key, text }: SignedStatement, list: AccessList): void {
    const { identity = "", until = "", verdict = "", note = "" } = fields
    const isMeant = (one: Opening) => one.identity === identity && one.until === until
    const opening = this.#openings.find(isMeant)
    if (opening === undefined) throw new PosternError("NOT_FOUND", `an opening of ${identity}`)
    const nowMs = this.#world.now()
    if (breakGlassOf(list.identities).some((one) => one.id === identity && isLive(one, nowMs)))
      throw new PosternError(
        "APPROVAL_INVALID",
        `${identity} is open until ${until}: review it after that`,
      )
    const isOpener = by === opening.by || key === opening.key
    if (isOpener && operators(list, nowMs) > 1)
      throw new PosternError("APPROVAL_INVALID", `${by} opened it: another operator reviews it`)
    this.#openings = this.#openings.filter((one) => one !== opening)
    this.#world.own.record({
      action: "postern.breakglass.reviewed",
      outcome: verdict === "justified" ? "success" : "failure",
      targets: [{ type: "identity", id: identity }],
      data: { identity, until, verdict, note, by, openedBy: opening.by, statement: text },
    })
    this.#keep()
  }

  /** @param list in force */
  health(list: AccessList): BreakGlassHealth {
    const nowMs = this.#world.now()
    const open = breakGlassOf(list.identities).filter((one) => isLive(one, nowMs))
    const waiting = this.#openings.map(({ identity, by, reason, opened, until }) => {
      const due = new Date(Date.parse(opened) + reviewWithinMs).toISOString()
      return { identity, by, reason, opened, until, due, overdue: nowMs >= Date.parse(due) }
    })
    return { open: open.map(({ id }) => id), waiting }
  }

  #announce(opening: Partial<Opening> & Pick<Opening, "identity" | "by" | "reason">): void {
    const { identity, by, reason, until, statement } = opening
    const unreviewed = this.#openings.filter((one) => one !== opening).length
    this.#world.own.record({
      action: "postern.breakglass.opened",
      outcome: "success",
      targets: [{ type: "identity", id: identity }],
      data: { identity, by, reason, until, unreviewed, statement },
    })
    this.#world.tell("warn", "break-glass read access is open", { identity, by, reason, until })
  }

  #keep(): void {
    const { file, tell } = this.#world
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      const text = `${JSON.stringify({ openings: this.#openings })}\n`
      writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true })
      renameSync(`${file}.new`, file)
    } catch (error) {
      tell("error", "openings of break-glass access could not be kept", { error: String(error) })
    }
  }
}

function operators({ identities }: AccessList, nowMs: number): number {
  return identities.filter(
    ({ role, expires }) => role === "operator" && nowMs < (expires ?? Number.POSITIVE_INFINITY),
  ).length
}

/** What a damaged file said stands in the log: no start fails for it. */
function readOpenings({ file, tell }: BreakGlassWorld): readonly Opening[] {
  if (!existsSync(file)) return []
  try {
    const read = JSON.parse(readFileSync(file, "utf8")) as { readonly openings: readonly Opening[] }
    return [...read.openings]
  } catch (error) {
    const hint = "postern search --action postern.breakglass.opened names them"
    tell("error", "openings that wait for a review are not known", { error: String(error), hint })
    return []
  }
}
