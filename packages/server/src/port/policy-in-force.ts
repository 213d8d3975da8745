import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import type { AccessList } from "../access/index.ts"
import type { SignedStatement } from "../approval/index.ts"
import { type Config, dataDirectories, policyFile, readTextFile } from "../config/index.ts"
import { diffPolicy, keepEverything, type Policy, parsePolicy } from "../policy/rules/index.ts"
import type { LoadedBy } from "./access-in-force.ts"
import { demandApprovals } from "./approvals.ts"
import type { OwnStream } from "./own-stream.ts"
import type { Tell } from "./port.ts"
import { keepRevision, recordRevision } from "./revision-record.ts"

const errorMax = 500

/**
 * The policy to start with: the one that was in force last, or where none was kept, policy.yaml. That must be acceptable in
 * any case. Errors: POLICY_INVALID, CONFIG_INVALID.
 */
export function readPolicy(config: Config): Policy {
  const { keptPolicy } = dataDirectories(config)
  // What is kept where there is no policy is the empty text.
  const kept = existsSync(keptPolicy) ? parsePolicy(readTextFile(keptPolicy)) : undefined
  const now = policyAfter(kept ?? keepEverything, config)
  return kept ?? now
}

/** The policy of the file. A file that vanished is a mishap: who wants no policy any more says so with an empty one. */
function policyAfter(before: Policy, config: Config): Policy {
  const file = policyFile(config)
  if (file !== undefined) return parsePolicy(readTextFile(file))
  if (before.digest === keepEverything.digest) return keepEverything
  throw new PosternError(
    "POLICY_INVALID",
    "policy.yaml is gone; to keep everything from now on, put an empty file in its place",
  )
}

export interface PolicyWorld {
  readonly own: Pick<OwnStream, "record">
  readonly tell: Tell
  now(): number
  /** Says who approves, and how many must. */
  access(): AccessList
  /** From here on this policy decides. */
  use(policy: Policy): void
}

/** The policy that the port works by. The log says of each which text it had (docs/spec/policy.md, The entry). */
export class PolicyInForce {
  readonly #config: Config
  readonly #world: PolicyWorld
  #policy: Policy
  #problem: string | undefined

  /** @param policy what readPolicy() gave: if policy.yaml says something else, that is a change like any other */
  constructor(config: Config, policy: Policy, world: PolicyWorld) {
    this.#config = config
    this.#world = world
    this.#policy = policy
    this.#record(undefined, "start")
    world.use(policy)
    if (policyAfter(policy, config).digest === policy.digest) this.#keep()
    else this.#reloadAtStart()
  }

  #reloadAtStart(): void {
    try {
      this.reload("start")
    } catch (error) {
      // The policy of before is in force, and whoever looks at the port sees why.
      if (!isPosternError(error) || error.code !== "APPROVAL_MISSING") throw error
    }
  }

  get policy(): Policy {
    return this.#policy
  }

  /** Why the newest policy was not taken over; undefined if it was. */
  get problem(): string | undefined {
    return this.#problem
  }

  /**
   * Reads the policy again. What is not acceptable changes nothing, leaves an entry, and is seen until one is taken.
   * Errors: POLICY_INVALID, CONFIG_INVALID, APPROVAL_MISSING.
   */
  reload(by: LoadedBy): string {
    const { own, tell, use } = this.#world
    const before = this.#policy
    let after: Policy
    let approvals: readonly SignedStatement[]
    try {
      after = policyAfter(before, this.#config)
      if (after.digest === before.digest) {
        this.#problem = undefined
        return before.digest
      }
      approvals = this.#demandApprovals(before, after)
    } catch (error) {
      const message = (error instanceof Error ? error.message : String(error)).slice(0, errorMax)
      this.#problem = message
      tell("error", "the old policy stays in force", { error: message })
      const data = { error: message, by }
      own.record({ action: "postern.policy.refused", outcome: "failure", data })
      throw error
    }
    this.#problem = undefined
    for (const { by: approver, text } of approvals) {
      const data = { by: approver, statement: text }
      own.record({ action: "postern.policy.approved", outcome: "success", data })
    }
    this.#policy = after
    this.#record(before, by)
    use(after) // The point from which on the other policy decides.
    this.#keep()
    tell("info", "policy applied", { digest: after.digest })
    return after.digest
  }

  #demandApprovals(before: Policy, after: Policy): readonly SignedStatement[] {
    const { origin, pki, access } = this.#config
    const list = this.#world.access()
    return demandApprovals(
      join(dirname(access), "approvals"),
      {
        ...{ kind: "approve-policy", from: before.digest, to: after.digest },
        weakens: diffPolicy(before, after).some(({ weakens }) => weakens),
      },
      { origin, list, ca: readTextFile(pki.ca), nowMs: this.#world.now() },
    )
  }

  #record(before: Policy | undefined, by: LoadedBy): void {
    const changes = before === undefined ? [] : diffPolicy(before, this.#policy)
    const weakens = before && { weakens: changes.some((one) => one.weakens) }
    const data = { rules: this.#policy.rules.length, by, ...weakens }
    recordRevision(this.#world.own, "policy", before, this.#policy, { data })
  }

  #keep(): void {
    try {
      keepRevision(dataDirectories(this.#config).keptPolicy, this.#policy)
    } catch (error) {
      const told = { error: String(error) }
      this.#world.tell("error", "the policy in force could not be kept", told)
    }
  }
}
