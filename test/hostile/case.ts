import type { ErrorCode } from "@postern/log/base"

/** Something that happens to a port of its own, since it may end it. */
export interface Case {
  readonly name: string
  readonly input: number
  /**
   * Lets it happen, and says in a few words what was met: what writers are told, how the process lives or ends. `left`
   * is what the log says of it, read back afterwards: actions of the port's own entries, codes of refusals.
   */
  run(): Promise<{ said: string; left: readonly string[]; note?: string }>
  readonly expects: string
  readonly leaves: readonly (ErrorCode | `postern.${string}`)[]
}
