import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { loadProfile, type Profile } from "@postern/client"
import { initDirectory } from "../../packages/server/dist/guard/setup/index.js"

/** An installation of its own, as `postern init` makes it, on addresses that stay the same over restarts. */
export interface Installation {
  readonly directory: string
  readonly config: string
  readonly log: string
  readonly profileFile: { readonly writer: string; readonly reader: string }
  readonly writer: Profile
}

export async function makeInstallation(directory: string): Promise<Installation> {
  const [write, read, ops] = await freePorts(3)
  const made = await initDirectory({
    directory,
    origin: "crash.example/audit",
    ports: { write: write ?? 0, read: read ?? 0, ops: ops ?? 0 },
  })
  // Its events are compared byte for byte: the policy that init writes marks texts that are too long for its detectors.
  writeFileSync(join(directory, "policy.yaml"), "rules: [{ name: all, level: full }]\n")
  return {
    directory,
    config: join(directory, "postern.yaml"),
    log: join(directory, "data", "log"),
    profileFile: { writer: made.profiles.writer, reader: made.profiles.reader },
    writer: loadProfile(made.profiles.writer),
  }
}

/** Ports that nobody listens on now. All are held before the first is given up, so they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
        const server = createServer()
        server.once("error", reject)
        server.listen(0, "127.0.0.1", () => resolve(server))
      })
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

export function addressOf(profile: Profile): { host: string; port: number } {
  const at = profile.address.lastIndexOf(":")
  return { host: profile.address.slice(0, at), port: Number(profile.address.slice(at + 1)) }
}
