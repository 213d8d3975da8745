import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { followLog } from "../../packages/server/dist/disk/index.js"
import { makeScratch } from "../crash/cleanup.ts"
import { type Installation, makeInstallation } from "../crash/installation.ts"
import { type ServerProcess, startProcess } from "../crash/port-process.ts"
import { Writers } from "./writers.ts"

/** An installation with its processes, a mirror's place beside it, and writers. */
export interface Scene {
  readonly installation: Installation
  readonly origin: string
  readonly mirror: string
  readonly writers: Writers
  /** The second reader profile: the mirror is a reader like any other. */
  readonly reader: string
}

export async function openScene(): Promise<Scene> {
  const directory = makeScratch()
  const installation = await makeInstallation(join(directory, "audit"))
  const writers = new Writers(directory, installation.profileFile.writer)
  const mirror = join(directory, "mirror", "data", "log")
  const { origin } = installation.writer.log
  return { installation, origin, mirror, writers, reader: installation.profileFile.reader }
}

export interface Service {
  readonly port: ServerProcess
  readonly reader: ServerProcess
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>
}

export async function startService({ config }: Installation): Promise<Service> {
  const port = startProcess("port", config)
  const reader = startProcess("reader", config)
  await Promise.all([port.ready, reader.ready])
  return {
    port,
    reader,
    async stop(signal) {
      await reader.signal(signal)
      await port.signal(signal)
    },
  }
}

/** Entries of a log directory up to its head. */
export async function sizeOf(directory: string): Promise<number> {
  const view = await followLog(directory)
  const { size } = view.head()
  await view.close()
  return size
}

/** Indexes of the writers' own entries from an index on. */
export async function drillEntries(
  directory: string,
  from: number,
  action: string,
): Promise<number[]> {
  const view = await followLog(directory)
  const found: number[] = []
  for (let at = from; at < view.head().size; ) {
    const leaves = await view.leaves(at, view.head().size, 4_000_000)
    for (const leaf of leaves) {
      if (Buffer.from(leaf).includes(`"action":"${action}"`)) found.push(at)
      at += 1
    }
  }
  await view.close()
  return found
}

/** A postern.yaml for a reader process over the mirror: the port's own file with another place and read address. */
export function mirrorConfig({ installation, mirror }: Scene, readPort: number): string {
  const directory = join(mirror, "..", "..")
  const text = readFileSync(installation.config, "utf8")
    .replaceAll(/(: )(pki\/|access\.yaml)/g, `$1${installation.directory}/$2`)
    .replace(/^( {2}read: ).*$/m, `$1["127.0.0.1:${readPort}"]`)
  const file = join(directory, "postern.yaml")
  writeFileSync(file, text)
  return file
}
