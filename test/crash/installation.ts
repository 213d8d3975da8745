import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { loadProfile, type Profile } from "@postern/client"
import { initDirectory } from "../../packages/server/dist/guard/setup/index.js"
import { freePorts } from "../../packages/server/src/cli/free-ports.test.support.ts"

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

export function addressOf(profile: Profile): { host: string; port: number } {
  const at = profile.address.lastIndexOf(":")
  return { host: profile.address.slice(0, at), port: Number(profile.address.slice(at + 1)) }
}
