import { dirname, join } from "node:path"
import { encodeUtf8, formatHex, isPosternError, PosternError, sha256 } from "@postern/log/base"
import { type AccessList, diffAccess, parseAccess } from "../access/index.ts"
import { checkStatement, type SignedStatement, type StatementWorld } from "../approval/index.ts"
import { accessFile, type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { demandApprovals } from "./approvals.ts"
import { BreakGlass, demandOpenings, type Opening } from "./break-glass.ts"
import type { BreakGlassHealth } from "./ops/index.ts"
import type { OwnStream } from "./own-stream.ts"
import type { Tell } from "./port.ts"
import { keepRevision, recordRevision } from "./revision-record.ts"

/** Who had it loaded: the start of the port, a signal to it, or an operator by SPIFFE ID. */
export type LoadedBy = "start" | "signal" | (string & {})

const targetsMax = 64
const errorMax = 500

/**
 * The list to start with: the one that was in force last, or where none was kept, access.yaml. That must be acceptable in
 * any case. Errors: ACCESS_INVALID, CONFIG_INVALID.
 */
export function readAccess(config: Config): AccessList {
  parseAccess(readTextFile(config.access))
  return parseAccess(readTextFile(accessFile(config)))
}

/** Which list the reader process says that it applied; undefined if it has not said yet. */
export function readerDigest(config: Config): string | undefined {
  try {
    return String(JSON.parse(readTextFile(dataDirectories(config).readerAccess)).digest)
  } catch {
    return undefined // Unknown is the answer.
  }
}

function beside(config: Config, name: string): string {
  return join(dirname(config.access), name)
}

function digestOf(text: string): string {
  return formatHex(sha256(encodeUtf8(text)))
}

/** The access list that the port works by. The log says of each which text it had (docs/spec/log.md, The access list). */
export class AccessInForce {
  readonly #config: Config
  readonly #now: () => number
  readonly #own: Pick<OwnStream, "record">
  readonly #tell: Tell
  readonly #breakGlass: BreakGlass
  #list: AccessList
  #problem: string | undefined

  /** @param list what readAccess() gave: if access.yaml says something else, that is a change like any other */
  constructor(
    config: Config,
    list: AccessList,
    own: Pick<OwnStream, "record">,
    { tell, now }: { readonly tell: Tell; now(): number },
  ) {
    this.#config = config
    this.#list = list
    this.#own = own
    this.#tell = tell
    this.#now = now
    const file = join(dataDirectories(config).portState, "break-glass.json")
    this.#breakGlass = new BreakGlass({ file, own, tell, now }, list)
    this.#record(undefined, "start")
    if (digestOf(readTextFile(config.access)) !== list.digest) this.#reloadAtStart()
    else this.#keep()
  }

  #reloadAtStart(): void {
    try {
      this.reload("start")
    } catch (error) {
      // The list of before is in force, and whoever looks at the port sees why.
      if (!isPosternError(error) || error.code !== "APPROVAL_MISSING") throw error
    }
  }

  get list(): AccessList {
    return this.#list
  }

  get breakGlass(): BreakGlassHealth {
    return this.#breakGlass.health(this.#list)
  }

  /** Why the newest list was not taken over; undefined if it was. */
  get problem(): string | undefined {
    return this.#problem
  }

  /**
   * Reads the list again. What is not acceptable changes nothing, leaves an entry, and is seen until a list is taken.
   * Errors: ACCESS_INVALID, CONFIG_INVALID, APPROVAL_MISSING.
   */
  reload(by: LoadedBy): string {
    const before = this.#list
    let approvals: readonly SignedStatement[]
    let openings: readonly Opening[]
    try {
      const after = parseAccess(readTextFile(this.#config.access))
      approvals = demandApprovals(
        beside(this.#config, "approvals"),
        {
          ...{ kind: "approve-access", from: before.digest, to: after.digest },
          weakens: diffAccess(before, after).some(({ weakens }) => weakens),
        },
        this.#world(),
      )
      openings = demandOpenings(beside(this.#config, "break-glass"), after, this.#world())
      this.#list = after // The point from which on the other list decides.
    } catch (error) {
      const message = (error instanceof Error ? error.message : String(error)).slice(0, errorMax)
      this.#problem = message
      this.#tell("error", "the old access list stays in force", { error: message })
      const data = { error: message, by }
      this.#own.record({ action: "postern.access.refused", outcome: "failure", data })
      throw error
    }
    this.#problem = undefined
    for (const { by: approver, text } of approvals) {
      const data = { by: approver, statement: text }
      this.#own.record({ action: "postern.access.approved", outcome: "success", data })
    }
    this.#breakGlass.open(openings)
    this.#record(before, by)
    this.#keep()
    const { digest } = this.#list
    this.#tell("info", "access list applied", { digest })
    return digest
  }

  /** The result of a review, signed by an operator, becomes an entry. Errors: APPROVAL_INVALID, CERTIFICATE_REFUSED, NOT_FOUND. */
  review(told: unknown): object {
    const { statement } = (told ?? {}) as { statement?: unknown }
    const signed = checkStatement(String(statement), this.#world())
    const { kind, by, fields, text } = signed
    if (kind === "review-break-glass") {
      this.#breakGlass.review(signed, this.#list)
      return {}
    }
    if (kind !== "review-access" || fields.list !== this.#list.digest)
      throw new PosternError("APPROVAL_INVALID", `no review led to list ${this.#list.digest}`)
    const data = { by, statement: text }
    this.#own.record({ action: "postern.access.reviewed", outcome: "success", data })
    return {}
  }

  #world(): StatementWorld {
    const { origin, pki } = this.#config
    return { origin, list: this.#list, ca: readTextFile(pki.ca), nowMs: this.#now() }
  }

  /** The next start compares access.yaml with this, and the reader process goes by it. */
  #keep(): void {
    try {
      keepRevision(dataDirectories(this.#config).keptAccess, this.#list)
    } catch (error) {
      this.#tell("error", "the access list in force could not be kept", { error: String(error) })
    }
  }

  #record(before: AccessList | undefined, by: LoadedBy): void {
    const changes = before === undefined ? [] : diffAccess(before, this.#list)
    const subjects = [...new Set(changes.map(({ subject }) => subject))]
    const weakens = before && { weakens: changes.some((one) => one.weakens) }
    recordRevision(this.#own, "access", before, this.#list, {
      targets: subjects.slice(0, targetsMax).map((id) => ({ type: "identity", id })),
      data: { identities: this.#list.identities.length, by, ...weakens },
    })
  }
}
