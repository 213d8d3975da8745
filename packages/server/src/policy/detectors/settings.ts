/** What a group's detectors do with a hit. `truncate` is for addresses, which are shortened to their network. */
export type Treatment = "mark" | "hmac" | "redact" | "truncate"

export type DetectorGroup = "secrets" | "cards" | "accounts" | "contacts" | "addresses" | "entropy"

export type DetectorPack = "kubernetes" | "vault" | "sql" | "http"

export interface UserPattern {
  readonly name: string
  /** In RE2's syntax; checkPattern() says whether it is acceptable. */
  readonly pattern: string
  readonly do: Treatment | "off"
}

/** The part of a policy's `detect` that a detector asks about; where to look is the caller's affair. */
export interface DetectorSettings {
  readonly groups: Readonly<Record<DetectorGroup, Treatment | "off">>
  readonly packs: readonly DetectorPack[]
  readonly patterns: readonly UserPattern[]
}
