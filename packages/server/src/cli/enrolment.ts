import type { Command } from "commander"
import type { Config } from "../config/index.ts"
import type { Enrolled, EnrolOptions } from "../guard/setup/index.ts"
import type { CommandIo } from "./io.ts"
import { type AccessState, applyAccess, describeState } from "./live-access.ts"
import { configOption, jsonOption, wholeNumber } from "./options.ts"

/** What `writer add` and `reader add` have in common. */
export interface EnrolFlags {
  readonly config: string
  readonly owner?: string
  readonly expires?: string
  readonly days?: number
  readonly address?: string
  readonly operator?: string
  readonly json?: true
}

export function addEnrolOptions(command: Command): Command {
  return command
    .option("--owner <text>", "who answers for it")
    .option("--expires <day>", "from this day on refused, e.g. 2027-11-22 (default: never)")
    .option(
      "--days <n>",
      "validity of the certificate (default: 365)",
      wholeNumber("--days", 1, 3650),
    )
    .option("--address <host:port>", "address for the profile (default: the first in listen)")
    .option("--operator <file>", "operator's profile (default: profiles/operator.yaml)")
    .addOption(configOption())
    .addOption(jsonOption())
}

export function enrolOptions(
  config: Config,
  name: string,
  flags: EnrolFlags,
  io: CommandIo,
): EnrolOptions {
  const { owner, expires, days, address } = flags
  return {
    config,
    name,
    now: io.now(),
    ...(owner === undefined ? {} : { owner }),
    ...(expires === undefined ? {} : { expires }),
    ...(days === undefined ? {} : { days }),
    ...(address === undefined ? {} : { address }),
  }
}

/** Has the running service take the new identity over, and says what there is now. */
export async function reportEnrolled(
  config: Config,
  enrolled: Enrolled,
  flags: EnrolFlags,
  io: CommandIo,
): Promise<void> {
  const profile = flags.operator === undefined ? {} : { profile: flags.operator }
  // The identity is there already, whatever the service says: it is told in any case.
  const tell = (state: AccessState | "refused") =>
    io.line(
      flags.json
        ? JSON.stringify({ ...enrolled, state })
        : `id       ${enrolled.id}\nprofile  ${enrolled.profile}`,
    )
  let state: AccessState
  try {
    state = await applyAccess({ config, ...profile })
  } catch (error) {
    tell("refused")
    throw error
  }
  tell(state)
  if (!flags.json) io.note(describeState(state))
}
