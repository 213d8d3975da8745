import type { AccessList } from "../access/index.ts"
import type { Config } from "../config/index.ts"
import type { Policy } from "../policy/rules/index.ts"
import { AccessInForce, type LoadedBy, readAccess } from "./access-in-force.ts"
import type { OwnStream } from "./own-stream.ts"
import type { PolicyAtWork } from "./policy-at-work.ts"
import { PolicyInForce, readPolicy } from "./policy-in-force.ts"
import type { PortWorld } from "./port.ts"

/** What a start goes by. */
export interface Reviewed {
  readonly access: AccessList
  readonly policy: Policy
}

/** Errors: ACCESS_INVALID, POLICY_INVALID, CONFIG_INVALID. */
export function readReviewed(config: Config): Reviewed {
  return { access: readAccess(config), policy: readPolicy(config) }
}

/** The two reviewed texts that the port works by: who may do what, and what is kept of it. */
export class InForce {
  readonly access: AccessInForce
  readonly policy: PolicyInForce

  constructor(
    config: Config,
    { access, policy }: Reviewed,
    log: { readonly own: Pick<OwnStream, "record">; readonly policy: Pick<PolicyAtWork, "use"> },
    world: Pick<PortWorld, "clock" | "tell">,
  ) {
    const { own } = log
    const { tell } = world
    const now = (): number => world.clock.milliseconds()
    this.access = new AccessInForce(config, access, own, { tell, now })
    this.policy = new PolicyInForce(config, policy, {
      ...{ own, tell, now },
      access: () => this.access.list,
      use: (next) => log.policy.use(next),
    })
  }

  /**
   * Reads both again. What is not acceptable changes nothing and leaves an entry; the other one is taken all the same. Of two
   * errors the access list's is thrown; the policy's is its `problem`.
   * Errors: ACCESS_INVALID, POLICY_INVALID, CONFIG_INVALID, APPROVAL_MISSING.
   */
  reload(by: LoadedBy): { readonly digest: string; readonly policy: string } {
    const access = outcomeOf(() => this.access.reload(by))
    const policy = outcomeOf(() => this.policy.reload(by))
    return { digest: access(), policy: policy() }
  }
}

/** Does it now; what comes of it, also an error, is had by calling. */
function outcomeOf<T>(work: () => T): () => T {
  try {
    const done = work()
    return () => done
  } catch (error) {
    return () => {
      throw error
    }
  }
}
