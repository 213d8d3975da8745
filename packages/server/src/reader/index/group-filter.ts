import type { Query } from "@postern/log/query"
import type { Group } from "./group.ts"
import type { HashKey } from "./keyed-hash.ts"
import type { Part } from "./part.ts"
import { PartDamaged } from "./part-source.ts"
import { requiredTokens } from "./planner.ts"

/** Rules out parts of groups for one question: each group is asked once for each token. */
export class GroupFilter {
  readonly #groups: ReadonlyMap<number, { readonly group: Group; readonly place: number }>
  readonly #tokens: readonly number[]
  readonly #known = new Map<Group, number>()

  /** @param groups by the first entry of each part in them */
  constructor(groups: GroupFilter["groups"], key: HashKey, query: Query) {
    this.#groups = groups
    this.#tokens = groups.size === 0 ? [] : requiredTokens(key, query)
  }

  get groups(): ReadonlyMap<number, { readonly group: Group; readonly place: number }> {
    return this.#groups
  }

  /** Whether anything in the part may fulfil the query. What cannot be read rules nothing out. */
  mayHold(part: Part): boolean {
    const found = this.#tokens.length === 0 ? undefined : this.#groups.get(part.first)
    if (found === undefined || !found.group.isMember(found.place, part)) return true
    let parts = this.#known.get(found.group)
    if (parts === undefined) {
      parts = this.#ask(found.group)
      this.#known.set(found.group, parts)
    }
    return (parts & (1 << found.place)) !== 0
  }

  #ask(group: Group): number {
    let parts = 0xffff
    try {
      for (const token of this.#tokens) {
        parts &= group.holding(token)
        if (parts === 0) break
      }
    } catch (error) {
      if (!(error instanceof PartDamaged)) throw error
      return 0xffff
    }
    return parts
  }
}
