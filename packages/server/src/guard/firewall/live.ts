/** Our rules in the kernel, at one moment. */
export interface Snapshot {
  /** What there is: tables, sets, chains. */
  readonly declarations: readonly string[]
  /** What is in them: elements, sorted, and rules in their order. Counts are left out. */
  readonly contents: readonly string[]
  /** What restore() takes; empty if there are no rules of ours. */
  readonly saved: string
}

/** A firewall of this host whose rules can be read and changed. */
export interface LiveFirewall {
  readonly dialect: string
  /** Has the firewall's own program judge the text; changes nothing. */
  check(text: string): Promise<void>
  present(): Promise<Snapshot>
  /** What the text becomes once it is loaded, as the same kernel and program say it. */
  intended(text: string): Promise<Snapshot>
  /** Puts the text in the place of what is there. Each family is changed in one transaction. */
  load(text: string, present: Snapshot, intended: Snapshot): Promise<void>
  /** Puts in place what a snapshot saved. */
  restore(saved: string, present: Snapshot): Promise<void>
}

/** How the rules in the kernel differ from what they should be. */
export interface Drift {
  /** In the text, not in the kernel. */
  readonly missing: readonly string[]
  /** In the kernel, not in the text. */
  readonly foreign: readonly string[]
}

/** Undefined if there is none. */
export function driftOf(present: Snapshot, intended: Snapshot): Drift | undefined {
  const [has, wants] = [linesOf(present), linesOf(intended)]
  const missing = without(wants, has)
  const foreign = without(has, wants)
  if (missing.length + foreign.length > 0) return { missing, foreign }
  const moved = has.find((line, at) => line !== wants[at])
  return moved === undefined ? undefined : { missing, foreign: [`${moved} (in another order)`] }
}

function linesOf({ declarations, contents }: Snapshot): readonly string[] {
  return [...declarations, ...contents]
}

/** Lines that stand in `all` more often than in `others`. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1)
  return all.filter((line) => {
    const count = left.get(line) ?? 0
    left.set(line, count - 1)
    return count <= 0
  })
}
