import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { PosternError } from "@postern/log/base"
import { formatKeyCertificateText } from "@postern/log/evidence"
import { signNote } from "@postern/log/tlog"
import { type Config, readSecretFile } from "../../config/index.ts"
import { createSigningKey, openNoteSigner, verifierKey } from "../pki/index.ts"
import { changeFile, createFile } from "../setup/index.ts"
import { changeConfigText } from "./config-change.ts"
import { reportKeys } from "./key-report.ts"
import { openRootKey } from "./root-key.ts"

export interface Rotation {
  readonly reason: "planned" | "compromised"
  readonly old: { readonly vkey: string; readonly file: string }
  readonly new: { readonly vkey: string; readonly file: string }
  readonly certificate: string
  readonly rootVkey: string | undefined
}

/**
 * Makes a new log key and its certificate, and names both in postern.yaml; the port changes over at its next start.
 * @param root file of the root key: the old key was stolen, and certifies nothing
 * @throws PosternError CONFIG_INVALID · USAGE · LOG_KEY_UNKNOWN if a change is under way
 */
export async function rotateLogKey(config: Config, root?: string): Promise<Rotation> {
  const oldFile = logKeyFile(config)
  const oldKey = readSecretFile(oldFile)
  await demandSettled(config, root !== undefined)
  const { origin } = config
  const stolen = root === undefined ? undefined : openRootKey(root, origin)
  if (stolen !== undefined && (config.rootVkey ?? stolen.vkey) !== stolen.vkey) {
    throw new PosternError("USAGE", `${root} is another root key than rootVkey in ${config.file}`)
  }
  const pem = createSigningKey()
  const made = freeNames(oldFile)
  const vkey = verifierKey(origin, pem)
  const by = stolen?.signer ?? openNoteSigner(origin, oldKey)
  createFile(made.key, pem, 0o600)
  createFile(made.certificate, await signNote(formatKeyCertificateText(origin, vkey), by), 0o644)
  const from = (file: string) => relative(dirname(config.file), file)
  changeFile(config.file, () =>
    changeConfigText(readFileSync(config.file, "utf8"), config, {
      logKey: from(made.key),
      logKeyCertificate: from(made.certificate),
      retiringLogKey: stolen === undefined ? from(oldFile) : undefined,
      ...(stolen === undefined ? {} : { rootVkey: stolen.vkey }),
    }),
  )
  return {
    reason: stolen === undefined ? "planned" : "compromised",
    old: { vkey: verifierKey(origin, oldKey), file: oldFile },
    new: { vkey, file: made.key },
    certificate: made.certificate,
    rootVkey: stolen?.vkey ?? config.rootVkey,
  }
}

function logKeyFile({ file, pki, signer }: Config): string {
  const { logKey } = pki
  if (signer !== undefined || logKey === undefined) {
    const detail = `${file}: the log key is kept by a signer, so the new one is made there`
    throw new PosternError("USAGE", `${detail}; docs/operating/keys.md says how`)
  }
  if (logKey.startsWith("credential:")) {
    throw new PosternError("USAGE", `${logKey} is kept by the service manager, not by this command`)
  }
  return logKey
}

/** One change at a time: the entry about the one before must be in the log. */
async function demandSettled(config: Config, isStolen: boolean): Promise<void> {
  const { keys } = await reportKeys(config)
  if (keys.some(({ state }) => state === "begins-at-next-start")) {
    throw new PosternError("USAGE", "a change of the log key is waiting for the port's next start")
  }
  if (config.pki.retiringLogKey === undefined || isStolen) return
  const detail = "the key of before still signs, too: postern key retire log ends it first"
  throw new PosternError("USAGE", detail)
}

/** pki/log.key, then pki/log-2.key … */
function freeNames(file: string): { key: string; certificate: string } {
  const stem = /^(.*?)(?:-\d+)?(?:\.[a-z]+)?$/.exec(file.slice(dirname(file).length + 1))?.[1]
  for (let number = 2; ; number++) {
    const path = join(dirname(file), `${stem ?? "log"}-${number}`)
    const names = { key: `${path}.key`, certificate: `${path}.certificate` }
    if (!existsSync(names.key) && !existsSync(names.certificate)) return names
  }
}
