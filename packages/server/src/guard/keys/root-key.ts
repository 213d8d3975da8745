import { readFileSync } from "node:fs"
import { rootKeyName } from "@postern/log/evidence"
import type { NoteSigner } from "@postern/log/tlog"
import { type Config, readSecretFile } from "../../config/index.ts"
import { createSigningKey, openNoteSigner, verifierKey } from "../pki/index.ts"
import { changeFile, createFile } from "../setup/index.ts"
import { changeConfigText } from "./config-change.ts"

/** Makes the offline root key of a log (0600) and gives its verifier key. Errors: ALREADY_EXISTS. */
export function createRootKey(file: string, origin: string): string {
  const pem = createSigningKey()
  createFile(file, pem, 0o600)
  return verifierKey(rootKeyName(origin), pem)
}

/** Errors: CONFIG_INVALID */
export function openRootKey(
  file: string,
  origin: string,
): { readonly vkey: string; readonly signer: NoteSigner } {
  const pem = readSecretFile(file)
  const name = rootKeyName(origin)
  return { vkey: verifierKey(name, pem), signer: openNoteSigner(name, pem) }
}

/** Writes the root key's verifier key into postern.yaml. Errors: CONFIG_INVALID. */
export function nameRootKey(config: Config, vkey: string): void {
  changeFile(config.file, () =>
    changeConfigText(readFileSync(config.file, "utf8"), config, { rootVkey: vkey }),
  )
}
