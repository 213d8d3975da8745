import { existsSync } from "node:fs"
import { join } from "node:path"
import { loadProfile, type Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { parseAccess } from "../access/index.ts"
import { type Config, readTextFile } from "../config/index.ts"
import type { Recipe } from "../guard/connect/index.ts"
import { enrolWriter, profilesDirectory } from "../guard/setup/index.ts"

export interface ConnectIdentity {
  readonly profileFile: string
  readonly profile: Profile
  /** Whether it was made now; the running service does not know it yet. */
  readonly isNew: boolean
}

/**
 * The identity under which a source comes: the one of this name, if it is there and may come this way, else a new one.
 * Errors: as enrolWriter(); USAGE for one whose grant lacks the way.
 */
export async function identityFor(
  config: Config,
  recipe: Recipe,
  name: string,
  address: string | undefined,
  now: Date,
): Promise<ConnectIdentity> {
  const profileFile = join(profilesDirectory(config), `writer-${name}.yaml`)
  const known = knownWriter(config, name)
  if (known !== undefined && existsSync(profileFile)) {
    const lacking = recipe.adapters.filter((adapter) => !known.grant.adapters.includes(adapter))
    if (lacking.length > 0) {
      const detail = `${known.id} is there and may not come by ${lacking.join(", ")}: change its grant, or say --name`
      throw new PosternError("USAGE", detail)
    }
    return { profileFile, profile: loadProfile(profileFile), isNew: false }
  }
  const source = `${recipe.scheme}://${name}`
  await enrolWriter({
    ...{ config, name, now, adapters: recipe.adapters, sources: [source, `${source}/*`] },
    ...(address === undefined ? {} : { address }),
  })
  return { profileFile, profile: loadProfile(profileFile), isNew: true }
}

function knownWriter(config: Config, name: string) {
  for (const identity of parseAccess(readTextFile(config.access)).identities) {
    if (identity.role === "writer" && identity.id.endsWith(`/writer/${name}`)) return identity
  }
  return undefined
}
