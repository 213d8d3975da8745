import { existsSync } from "node:fs"
import { PosternError } from "@postern/log/base"
import { parseAccess } from "../../access/index.ts"
import { type Config, readTextFile } from "../../config/index.ts"
import { issueCertificate } from "../pki/index.ts"
import { createFile } from "../setup/index.ts"
import { ownAuthority } from "./authorities.ts"
import { demandIdentity } from "./renewal.ts"

export interface IssuedFiles {
  readonly id: string
  readonly certificate: string
  readonly key: string
}

/**
 * A certificate for an identity of the access list and its key: `STEM.crt` and `STEM.key` (0600).
 * Errors: NOT_GRANTED, ALREADY_EXISTS, CONFIG_INVALID without the CA's key.
 */
export async function issueFiles(
  config: Config,
  id: string,
  stem: string,
  { days, now }: { readonly days: number; readonly now: Date },
): Promise<IssuedFiles> {
  const authority = ownAuthority(config)
  demandIdentity(parseAccess(readTextFile(config.access)), id, now)
  const files = { certificate: `${stem}.crt`, key: `${stem}.key` }
  for (const file of Object.values(files)) {
    if (existsSync(file)) throw new PosternError("ALREADY_EXISTS", file)
  }
  const made = await issueCertificate({ authority, id, usage: "client", now, days })
  createFile(files.key, made.key, 0o600)
  createFile(files.certificate, made.certificate, 0o644)
  return { id, ...files }
}
