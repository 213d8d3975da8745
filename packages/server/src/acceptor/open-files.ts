import { readFileSync } from "node:fs"

/**
 * Files that peers may never take: the log's own (segments, hashes, checkpoints, which are made anew every second), the
 * other planes, and what Node holds itself.
 */
const filesReserved = 128

/**
 * How many sockets peers may have in all, so that the log can always open its files: what the system lets this process
 * open (RLIMIT_NOFILE), less the reserve. Infinity where it does not say (Linux does).
 */
export function socketsMax(limitsFile = "/proc/self/limits"): number {
  let text: string
  try {
    text = readFileSync(limitsFile, "utf8")
  } catch {
    return Number.POSITIVE_INFINITY // No Linux: the limits on connections are all there is.
  }
  const soft = /^Max open files +(\d+)/m.exec(text)?.[1]
  if (soft === undefined) return Number.POSITIVE_INFINITY
  return Math.max(1, Number(soft) - filesReserved)
}
