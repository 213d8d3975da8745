import { existsSync, readFileSync } from "node:fs"
import { AuthorityUses, TlsFiles, type TlsFilesWorld, type TlsMaterial } from "../acceptor/index.ts"
import { type Config, dataDirectories } from "../config/index.ts"
import { replaceFile } from "../disk/index.ts"
import { openRecorder, type SpoolRecorder } from "./recorder.ts"

type Tell = (level: "info" | "warn" | "error", message: string, more?: object) => void

/** The certificate of the read plane, which is the port's. Errors: CONFIG_INVALID. */
export function openPlaneFiles(
  { pki: { key, certificate, ca } }: Config,
  recorder: SpoolRecorder,
  tell: Tell,
  apply: (tls: TlsMaterial) => void,
): TlsFiles {
  const said = report(() => recorder, tell)
  return new TlsFiles({ key, certificate, ca }, { side: "server", apply, ...said })
}

/** The recorder, and the files of the identity that it records under. Errors: CONFIG_INVALID, SPOOL_LOCKED. */
export async function openRecording(
  config: Config,
  tell: Tell,
): Promise<{ recorder: SpoolRecorder; identity: TlsFiles }> {
  const { ca, reader } = config.pki
  let recorder: SpoolRecorder | undefined
  const identity = new TlsFiles(
    { ca, ...reader },
    {
      side: "client",
      // One that cannot be opened again ends the process, lest it read and not record.
      apply: (tls) => void recorder?.renew(tls),
      ...report(() => recorder, tell),
    },
  )
  recorder = await openRecorder(config, identity.tls, (message, facts) =>
    tell("warn", message, facts),
  )
  return { recorder, identity }
}

/** Which CA readers come under, over the lives of this process. */
export function openAuthorityUses(config: Config, tell: Tell): AuthorityUses {
  const file = dataDirectories(config).readerAuthorities
  const text = existsSync(file) ? readFileSync(file, "utf8") : undefined
  return new AuthorityUses(text, (next) =>
    replaceFile(file, next).catch((error) => {
      tell("warn", "the uses of CAs could not be written down", { error: String(error) })
    }),
  )
}

/** Says it to people and in the log. */
function report(
  recorder: () => SpoolRecorder | undefined,
  tell: Tell,
): Pick<TlsFilesWorld, "applied" | "refused"> {
  const record = (action: string, data: Record<string, unknown>, outcome?: "failure"): void => {
    const recorded = recorder()?.recordOwn(action, { ...data, process: "reader" }, outcome)
    recorded?.catch((error) => tell("warn", "it could not be recorded", { error: String(error) }))
  }
  return {
    applied: (facts, { certificate: previous }) => {
      tell("info", "another certificate is in force", { ...facts, previous })
      record("postern.tls.loaded", { ...facts, previous })
    },
    refused: (error) => {
      tell("error", "the old certificate stays in force", { error })
      record("postern.tls.refused", { error: error.slice(0, 500) }, "failure")
    },
  }
}
