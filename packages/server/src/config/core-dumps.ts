import { writeFileSync } from "node:fs"

/**
 * Has the kernel leave this process's memory, and so its keys, out of a core dump, whatever its limits are (core(5),
 * coredump_filter). False where the kernel cannot be told; doctor says what that means.
 */
export function withholdMemory(): boolean {
  try {
    writeFileSync("/proc/self/coredump_filter", "0")
    return true
  } catch {
    return false // Another system, or a /proc that may not be written: the limit alone decides there.
  }
}
