import { isPosternError } from "../base/index.ts"
import { parseWitnessVkey, type WitnessVkey } from "./cosignature.ts"
import { demand, quote } from "./demand.ts"
import { parseVkey } from "./vkey.ts"

/** The specification recommends 32; a note has at most 100 signatures. */
const logsMax = 100
const witnessesMax = 100
const groupsMax = 100
const policyCharactersMax = 1_000_000

export interface PolicyLog {
  /** Verifier key, as text; its name is the origin of the log. */
  readonly vkey: string
  readonly url: string | undefined
}

export interface PolicyWitness {
  /** Of this policy only; the name in a signature line is that of the key. */
  readonly name: string
  readonly vkey: WitnessVkey
  /** Submission prefix of C2SP tlog-witness, as it stands in the policy: not checked. */
  readonly url: string | undefined
}

/** Witnesses a checkpoint if at least `threshold` of its members do. */
export interface PolicyGroup {
  readonly name: string
  /** 1 to the number of members. */
  readonly threshold: number
  /** Names of witnesses, and of groups that stand before this one. */
  readonly members: readonly string[]
}

/** Whom to believe: C2SP tlog-policy. It comes from somewhere else than what it judges. */
export interface TrustPolicy {
  /** May be empty: then another source has to say which log is meant. */
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  readonly groups: readonly PolicyGroup[]
  /** Name of a witness or group; undefined for `quorum none`. */
  readonly quorum: string | undefined
}

interface Draft {
  logs: PolicyLog[]
  witnesses: PolicyWitness[]
  groups: PolicyGroup[]
  /** Public keys that were given, as text. */
  keys: Set<string>
  names: Set<string>
  /** Names that already are a member of a group. */
  members: Set<string>
  quorum: string | undefined
  hasQuorum: boolean
}

/**
 * Parses a trust policy (C2SP tlog-policy, draft of June 2026) strictly.
 * @throws PosternError POLICY_INVALID, with the number of the line
 */
export function parsePolicy(text: string): TrustPolicy {
  demandPolicy(text.length <= policyCharactersMax, `over ${policyCharactersMax} characters`)
  const lines = text.split("\n")
  demandPolicy(lines.pop() === "", "no line feed at the end")
  const draft: Draft = {
    logs: [],
    witnesses: [],
    groups: [],
    keys: new Set(),
    names: new Set(),
    members: new Set(),
    quorum: undefined,
    hasQuorum: false,
  }
  for (const [i, line] of lines.entries()) readLine(draft, line, `line ${i + 1}`)
  demandPolicy(draft.hasQuorum, "no quorum line")
  const { logs, witnesses, groups, quorum } = draft
  return { logs, witnesses, groups, quorum }
}

function readLine(draft: Draft, line: string, where: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  const printable = !/[\u0000-\u0008\u000b-\u001f\u007f\p{Surrogate}]/u.test(line)
  demandPolicy(printable, `${where}: a control character`)
  const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== "")
  if (keyword === undefined || keyword.startsWith("#")) return
  const read = readers[keyword]
  demandPolicy(read !== undefined, `${where}: ${quote(keyword)} begins no line of a policy`)
  read(draft, items, where)
}

const readers: Readonly<
  Record<string, (draft: Draft, items: readonly string[], where: string) => void>
> = {
  __proto__: null as never,
  log: readLog,
  witness: readWitness,
  group: readGroup,
  quorum: readQuorum,
}

function readLog(draft: Draft, items: readonly string[], where: string): void {
  const [vkey, url, ...more] = items
  demandPolicy(vkey !== undefined && more.length === 0, `${where}: not log <vkey> [<url>]`)
  claimKey(draft.keys, `log ${keyOf(parseVkey, vkey, where).publicKey}`, where)
  demandPolicy(draft.logs.length < logsMax, `${where}: over ${logsMax} logs`)
  draft.logs.push({ vkey, url })
}

function readWitness(draft: Draft, items: readonly string[], where: string): void {
  const [name, text, url, ...more] = items
  const whole = name !== undefined && text !== undefined && more.length === 0
  demandPolicy(whole, `${where}: not witness <name> <vkey> [<url>]`)
  claimName(draft, name, where)
  const vkey = keyOf(parseWitnessVkey, text, where)
  claimKey(draft.keys, `witness ${vkey.publicKey}`, where)
  demandPolicy(draft.witnesses.length < witnessesMax, `${where}: over ${witnessesMax} witnesses`)
  draft.witnesses.push({ name, vkey, url })
}

function readGroup(draft: Draft, items: readonly string[], where: string): void {
  const [name, rule, ...members] = items
  const whole = name !== undefined && rule !== undefined && members.length > 0
  demandPolicy(whole, `${where}: not group <name> all|any|<k> <member>…`)
  for (const member of members) {
    // Claimed after its members are looked up, the group cannot be one of them.
    demandPolicy(draft.names.has(member), `${where}: ${quote(member)} is not defined before`)
    demandPolicy(!draft.members.has(member), `${where}: ${quote(member)} is a member already`)
    draft.members.add(member)
  }
  claimName(draft, name, where)
  demandPolicy(draft.groups.length < groupsMax, `${where}: over ${groupsMax} groups`)
  draft.groups.push({ name, threshold: thresholdOf(rule, members.length, where), members })
}

function thresholdOf(rule: string, members: number, where: string): number {
  if (rule === "any") return 1
  if (rule === "all") return members
  const threshold = /^[1-9][0-9]{0,3}$/.test(rule) ? Number(rule) : 0
  const fits = threshold >= 1 && threshold <= members
  demandPolicy(fits, `${where}: ${quote(rule)} is not all, any or 1 to ${members}`)
  return threshold
}

function readQuorum(draft: Draft, items: readonly string[], where: string): void {
  const [name, ...more] = items
  demandPolicy(name !== undefined && more.length === 0, `${where}: not quorum <name>|none`)
  demandPolicy(!draft.hasQuorum, `${where}: a second quorum`)
  draft.hasQuorum = true
  if (name === "none") return
  demandPolicy(draft.names.has(name), `${where}: ${quote(name)} is not defined before`)
  draft.quorum = name
}

/** Witnesses and groups share their names. */
function claimName(draft: Draft, name: string, where: string): void {
  demandPolicy(name !== "none", `${where}: the name none is taken`)
  demandPolicy(!draft.names.has(name), `${where}: ${quote(name)} is defined twice`)
  draft.names.add(name)
}

/** Under two names, one key would count twice. */
function claimKey(keys: Set<string>, key: string, where: string): void {
  demandPolicy(!keys.has(key), `${where}: a public key that stands before`)
  keys.add(key)
}

function keyOf<Key>(parse: (text: string) => Key, text: string, where: string): Key {
  try {
    return parse(text)
  } catch (error) {
    demandPolicy(!isPosternError(error), `${where}: ${detailOf(error)}`)
    throw error
  }
}

function detailOf(error: unknown): string {
  return (isPosternError(error) ? error.detail : undefined) ?? ""
}

/**
 * Whether the quorum of the policy is met if these witnesses cosigned a checkpoint. `quorum none`
 * is always met: it asks for nobody.
 * @param cosigned names of witnesses, as the policy calls them; others count for nothing
 */
export function quorumMet(policy: TrustPolicy, cosigned: Iterable<string>): boolean {
  if (policy.quorum === undefined) return true
  const known = new Set(policy.witnesses.map(({ name }) => name))
  const met = new Set([...cosigned].filter((name) => known.has(name)))
  // Groups stand behind their members, so one pass settles them all.
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => met.has(member)).length >= threshold) met.add(name)
  }
  return met.has(policy.quorum)
}

function demandPolicy(holds: boolean, detail: string): asserts holds {
  demand(holds, "POLICY_INVALID", detail)
}
