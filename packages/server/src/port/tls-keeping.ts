import { existsSync, readFileSync } from "node:fs"
import { AuthorityUses, keyExchangeGroups, TlsFiles, type TlsMaterial } from "../acceptor/index.ts"
import { type Config, dataDirectories } from "../config/index.ts"
import { replaceFile } from "../disk/index.ts"
import type { TlsHealth } from "./ops/index.ts"
import type { OwnStream } from "./own-stream.ts"

type Tell = (level: "info" | "error", message: string, more?: object) => void

/** The certificate that the port shows, over time: each change, and each that was refused, is an entry. Errors: CONFIG_INVALID. */
export function openTlsFiles(
  { key, certificate, ca }: Config["pki"],
  own: Pick<OwnStream, "record">,
  tell: Tell,
  apply: (tls: TlsMaterial) => void,
): TlsFiles {
  return new TlsFiles(
    { key, certificate, ca },
    {
      side: "server",
      apply,
      applied: (facts, { certificate: previous }) => {
        tell("info", "another certificate is in force", { ...facts, previous })
        const data = { ...facts, previous }
        own.record({ action: "postern.tls.loaded", outcome: "success", data })
      },
      refused: (error) => {
        tell("error", "the old certificate stays in force", { error })
        const data = { error: error.slice(0, 500) }
        own.record({ action: "postern.tls.refused", outcome: "failure", data })
      },
    },
  )
}

/** Which CA peers come under, over the lives of this process. */
export function openAuthorityUses(config: Config, tell: Tell): AuthorityUses {
  const file = dataDirectories(config).portAuthorities
  const text = existsSync(file) ? readFileSync(file, "utf8") : undefined
  return new AuthorityUses(text, (next) =>
    replaceFile(file, next).catch((error) => {
      tell("error", "the uses of CAs could not be written down", { error: String(error) })
    }),
  )
}

export function tlsHealth(files: TlsFiles, nowMs: number): TlsHealth {
  const { id, serial, notBefore, notAfter } = files.facts
  const [fromMs, toMs] = [Date.parse(notBefore), Date.parse(notAfter)]
  return {
    ...{ id, serial, notAfter },
    lifeUsed: (nowMs - fromMs) / (toMs - fromMs),
    secondsLeft: Math.round((toMs - nowMs) / 1000),
    groups: keyExchangeGroups().split(":"),
    problem: files.problem,
  }
}
