import { statSync } from "node:fs"
import { loadProfile, type Profile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import type { Upstream, UpstreamRoute } from "../door/index.ts"
import { connectionError, profileTls } from "./profile-tls.ts"

/**
 * The read port under the profile of a file, which is read again once it has changed: a renewed certificate counts from
 * the next connection on. What cannot be read, as in the moment of its exchange, changes nothing.
 * Errors: PROFILE_INVALID; USAGE if it is not a reader's.
 */
export function openProfileUpstream(file: string, note: (text: string) => void): Upstream {
  let seen = outsideOf(file)
  let profile = loadReader(file)
  let route = routeOf(profile)

  function look(): UpstreamRoute {
    const outside = outsideOf(file)
    if (outside === seen) return route
    seen = outside
    try {
      profile = loadReader(file)
      route = routeOf(profile)
    } catch (error) {
      if (!isPosternError(error)) throw error
      note(`postern: the profile as it was goes on: ${error.message}`)
    }
    return route
  }

  return { route: look, explain: (cause) => connectionError(profile.address, cause) }
}

function loadReader(file: string): Profile {
  const profile = loadProfile(file)
  if (profile.role === "reader") return profile
  throw new PosternError("USAGE", `${file} is the profile of a ${profile.role}, not of a reader`)
}

function routeOf(profile: Profile): UpstreamRoute {
  const [, host = "", port = ""] = /^\[?([^\]]+)\]?:(\d+)$/.exec(profile.address) ?? []
  return { host, port: Number(port), tls: profileTls(profile) }
}

/** Changes whenever the file does. */
function outsideOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return `${stat?.ino} ${stat?.size} ${stat?.mtimeNs}`
}
