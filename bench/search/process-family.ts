import { readdirSync, readFileSync } from "node:fs"
import { cpuSeconds } from "../process-figures.ts"

const ticksPerSecond = 100

/** A process and its children that are alive. Linux only. */
function familyOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => id === pid || fieldsOf(id)[1] === String(pid))
}

/** Fields 3 and on of proc(5); none of a process that is gone. */
function fieldsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? []
  } catch {
    return [] // It ended while we looked.
  }
}

/** CPU seconds of a process, its children that are alive, and those that it has waited for. */
export function familyCpuSeconds(pid: number): number {
  const fields = fieldsOf(pid)
  const waitedFor = (Number(fields[13]) + Number(fields[14])) / ticksPerSecond
  const alive = familyOf(pid).map((id) => (fieldsOf(id).length === 0 ? 0 : cpuSeconds(id)))
  return alive.reduce((sum, seconds) => sum + seconds, waitedFor)
}

/** Memory that the processes have resident now, each page counted for each of them that does not share it; MiB. */
export function familyRssMb(pid: number): number {
  const kilobytes = familyOf(pid).map((id) => {
    try {
      return Number(
        /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1],
      )
    } catch {
      return 0 // It ended while we looked, or is not ours to look at.
    }
  })
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024
}
