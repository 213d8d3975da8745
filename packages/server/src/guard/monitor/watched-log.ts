import { PosternError } from "@postern/log/base"
import { KeyLearner, type KeyLearnerWorld, rootKeyName } from "@postern/log/evidence"
import {
  type CosignedCheckpoint,
  openCosignedCheckpoint,
  parseVkey,
  type TrustPolicy,
} from "@postern/log/tlog"

/** The log that is watched, and whom to believe about it. Both come from somewhere else than the log. */
export interface WatchedLog {
  readonly origin: string
  readonly vkey: string
  /** Names this log and no other. */
  readonly policy: TrustPolicy
  /** The keys that the pinned one leads to; without, no change of the key is followed. */
  readonly keys?: KeyLearner
}

/**
 * @param log as the profile pins it
 * @param policy witnesses and quorum, if any are asked for
 * @throws PosternError POLICY_INVALID if the policy names logs and not this one
 */
export function watchedLog(
  { origin, vkey }: { readonly origin: string; readonly vkey: string },
  policy: TrustPolicy = { logs: [], witnesses: [], groups: [], quorum: undefined },
): WatchedLog {
  const names = [origin, rootKeyName(origin)]
  const logs = policy.logs.filter((log) => names.includes(parseVkey(log.vkey).name))
  if (policy.logs.length > 0 && !logs.some((log) => log.vkey === vkey)) {
    throw new PosternError("POLICY_INVALID", `it does not name this log, ${vkey}`)
  }
  const own = logs.length > 0 ? logs : [{ vkey, url: undefined }]
  return { origin, vkey, policy: { ...policy, logs: own } }
}

/** The same log, followed through changes of its key. @param remembered what `learned` was told before */
export async function withKeys(
  log: WatchedLog,
  world: KeyLearnerWorld,
  remembered: string | undefined,
): Promise<WatchedLog> {
  return { ...log, keys: await KeyLearner.open(log.policy, log.origin, world, remembered) }
}

/** Opens a checkpoint of this log. @throws PosternError NOTE_INVALID */
export function openOwn(log: WatchedLog, note: string): Promise<CosignedCheckpoint> {
  return log.keys?.openCheckpoint(note) ?? openCosignedCheckpoint(note, log.policy)
}
