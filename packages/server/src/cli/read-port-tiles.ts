import type { Profile } from "@postern/client"
import { isPosternError, limits, PosternError } from "@postern/log/base"
import type { AskDisclosure, TileSource } from "../guard/verify/index.ts"
import { type HttpsExchange, openHttpsExchange, problemOf } from "./https-exchange.ts"

/** A full bundle of the longest entries, with their lengths. */
const tileBytesMax = 256 * (2 + 65_535)
const noteBytesMax = 1_000_000
const keysBytesMax = 4_000_000

/** The read port as a source of tiles (C2SP tlog-tiles). Bundles that it gives are recorded as read. */
export function openReadPort(profile: Profile): TileSource & { close(): void } {
  const exchange = openReadExchange(profile)
  return { ...tilesOf(exchange), close: () => exchange.close() }
}

/** Errors: PROFILE_INVALID if the profile is not a reader's. */
export function openReadExchange(profile: Profile, timeoutMs?: number): HttpsExchange {
  if (profile.role !== "reader") {
    throw new PosternError("PROFILE_INVALID", `it is a ${profile.role}'s, a reader's is needed`)
  }
  return openHttpsExchange(profile, timeoutMs)
}

/** Asks the read port for the proofs of the log's key changes. */
export async function askKeys(exchange: HttpsExchange): Promise<string> {
  return (await get(exchange, "/v1/keys", keysBytesMax)).toString("utf8")
}

export function tilesOf(exchange: HttpsExchange): TileSource {
  return {
    checkpoint: async () => (await get(exchange, "/checkpoint", noteBytesMax)).toString("utf8"),
    tile: (path) => get(exchange, `/${path}`, tileBytesMax),
  }
}

const unavailableStates = ["locked", "damaged"] as const

/** Asks the read port for values that are kept beside the log; each is recorded as read. */
export function disclosuresOf(exchange: HttpsExchange): AskDisclosure {
  return async (index, digest) => {
    const path = `/v1/entries/${index}/disclosures/${digest}`
    try {
      const json = await get(exchange, path, limits.disclosureBytesMax)
      return { state: "held", json }
    } catch (error) {
      if (!isPosternError(error) || error.code !== "DISCLOSURE_MISSING") throw error
      const erased = /^erased(?: (\d{1,15}))?$/.exec(error.detail ?? "")
      if (erased !== null)
        return { state: "erased", ...(erased[1] && { entry: Number(erased[1]) }) }
      const state = unavailableStates.find((one) => one === error.detail)
      return { state: state ?? "missing" }
    }
  }
}

async function get(exchange: HttpsExchange, path: string, bytesMax: number): Promise<Buffer> {
  const answer = await exchange.ask({ method: "GET", path, bytesMax })
  if (answer.status === 200) return answer.body
  throw problemOf(answer)
}
