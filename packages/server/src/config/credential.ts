import { existsSync } from "node:fs"
import { basename, join } from "node:path"
import { PosternError } from "@postern/log/base"

const prefix = "credential:"
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/

/** Whether a path names a credential that the service manager hands over, sealed to this machine if it likes. */
export function isCredential(path: string): boolean {
  return path.startsWith(prefix)
}

/**
 * Where a private key is read from: the service manager's credential of the same name as the file stands for the file, which then
 * need not be open to this process. So the units and root's command line go by one postern.yaml.
 * @param directory what CREDENTIALS_DIRECTORY says
 * @throws PosternError CONFIG_INVALID
 */
export function secretFile(path: string, directory: string | undefined): string {
  if (isCredential(path) || directory === undefined) return credentialFile(path, directory)
  const handed = join(directory, basename(path))
  return existsSync(handed) ? handed : path
}

/**
 * The file behind `credential:NAME` (systemd.exec, LoadCredentialEncrypted=); other paths as they are.
 * @param directory what CREDENTIALS_DIRECTORY says
 * @throws PosternError CONFIG_INVALID
 */
export function credentialFile(path: string, directory: string | undefined): string {
  if (!isCredential(path)) return path
  const name = path.slice(prefix.length)
  if (!namePattern.test(name)) {
    throw new PosternError(
      "CONFIG_INVALID",
      `${path}: a credential's name has letters, digits, . _ -`,
    )
  }
  if (directory !== undefined) return join(directory, name)
  const hint = `LoadCredentialEncrypted=${name}:… in the unit hands it over`
  throw new PosternError(
    "CONFIG_INVALID",
    `${path}: this process was given no credentials; ${hint}`,
  )
}
