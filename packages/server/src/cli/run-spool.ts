import { readdirSync } from "node:fs"
import { join } from "node:path"
import { type Audit, type ConnectOptions, connect, loadProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"

/** Commands of one profile that may run at the same time. */
const placesMax = 64
const leftoverMs = 5_000

/** Spools of a profile's commands: one for each that runs at the same time, `SPOOL-run/0` and so on. */
export interface RunSpools {
  readonly audit: Audit
  /** Which of them it is. */
  readonly place: number
}

/** Takes the first spool that nobody else has. Errors: as connect(); SPOOL_LOCKED if 64 commands run. */
export async function openRunSpool(
  profile: string,
  options: Pick<ConnectOptions, "wait" | "onProblem">,
): Promise<RunSpools> {
  const directory = runDirectory(profile)
  for (let place = 0; ; place++) {
    try {
      return { audit: await connectAt(profile, directory, place, options), place }
    } catch (error) {
      const isTaken = isPosternError(error) && error.code === "SPOOL_LOCKED"
      if (!isTaken || place === placesMax - 1) throw error
    }
  }
}

/** Sends what earlier commands had to leave behind. What cannot be sent now waits for the next command. */
export async function deliverLeftovers(profile: string, own: number): Promise<void> {
  const directory = runDirectory(profile)
  const places = readdirSync(directory).filter((name) => /^\d{1,2}$/.test(name))
  for (const place of places.map(Number).filter((number) => number !== own)) {
    try {
      const audit = await connectAt(profile, directory, place, { onProblem: () => undefined })
      await audit.close(audit.status().pendingEvents === 0 ? 0 : leftoverMs)
    } catch (error) {
      const isTaken = isPosternError(error) && error.code === "SPOOL_LOCKED"
      if (!isTaken) throw error
    }
  }
}

function connectAt(
  profile: string,
  directory: string,
  place: number,
  options: Pick<ConnectOptions, "wait" | "onProblem">,
): Promise<Audit> {
  const spool = {
    directory: join(directory, String(place)),
    whenFull: "throw",
    durable: "disk",
  } as const
  return connect(profile, { ...options, spool })
}

function runDirectory(profile: string): string {
  const { spool, role } = loadProfile(profile)
  if (role !== "writer") {
    throw new PosternError("PROFILE_INVALID", `it is a ${role}'s, a writer's is needed`)
  }
  if (spool === undefined) throw new PosternError("PROFILE_INVALID", "it names no spool directory")
  return `${spool}-run`
}
