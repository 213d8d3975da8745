import { readFileSync } from "node:fs"

/** Kernel ticks in which /proc counts CPU time: USER_HZ, 100 on every platform that Node runs on. */
const ticksPerSecond = 100

/** CPU seconds that a process and all its threads have used, in steps of 10 ms. Linux only. */
export function cpuSeconds(pid: number): number {
  // The name in parentheses may hold anything; what follows it is fields 3 and on of proc(5).
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** The most memory that a process has had resident, MiB. Linux only. */
export function peakRssMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024
}

/** The memory that a process has resident now, MiB. Linux only. */
export function residentMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) / 1024
}
