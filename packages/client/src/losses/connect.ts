import type { Profile } from "../profile.ts"
import { type Audit, type ConnectOptions, connect as openWriter } from "../writer/index.ts"
import { hearLosses } from "./hearers.ts"

/**
 * Opens the spool and begins to connect, again and again until it succeeds; events are spooled meanwhile.
 * @param profile or the path of one (default: POSTERN_PROFILE), which is read again at each attempt to connect, and in which the
 *   certificate is renewed at half of its life; one that is given as an object is renewed if `onRenewed` keeps what is new
 * @throws PosternError PROFILE_INVALID, SPOOL_LOCKED, SPOOL_DAMAGED, CONFIG_INVALID; with `wait`, what the first attempt to connect failed
 *   with; errors of the file system as they are
 */
export async function connect(
  profile?: Profile | string,
  options: ConnectOptions = {},
): Promise<Audit> {
  const audit = await openWriter(profile, options)
  hearLosses(audit, options.onProblem)
  return audit
}
