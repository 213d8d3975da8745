import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { decodeUtf8, PosternError } from "@postern/log/base"
import { type Config, dataDirectories, parseConfig } from "./config.ts"
import { credentialFile, secretFile } from "./credential.ts"

const fileBytesMax = 16_777_216

/** Reads and checks postern.yaml. Errors: CONFIG_INVALID, also if it cannot be read. */
export function loadConfig(file: string): Config {
  const config = parseConfig(readTextFile(file), file)
  const alerts = config.alerts ?? besideAccess(config, "alerts.yaml")
  return alerts === undefined ? config : { ...config, alerts }
}

/** The file of the policy, as things are now; undefined if none is named and none is there. */
export function policyFile(config: Pick<Config, "access" | "policy">): string | undefined {
  return config.policy ?? besideAccess(config, "policy.yaml")
}

function besideAccess({ access }: Pick<Config, "access">, name: string): string | undefined {
  const file = join(dirname(access), name)
  return existsSync(file) ? file : undefined
}

/** The access list in force, as the port keeps it; access.yaml where no port has kept one yet. */
export function accessFile(config: Config): string {
  const { keptAccess } = dataDirectories(config)
  return existsSync(keptAccess) ? keptAccess : config.access
}

/**
 * A file as strict UTF-8. Errors: CONFIG_INVALID if it is missing, unreadable, too large, not a
 * file or not UTF-8.
 */
export function readTextFile(file: string): string {
  return readOpen(file, credentialFile(file, credentials()), () => undefined)
}

/**
 * A file that holds a private key, as text. Errors: CONFIG_INVALID, also if everybody on the
 * machine could read or change it (POSIX). The group is left alone: service managers hand out
 * credentials as 0440.
 */
export function readSecretFile(file: string): string {
  return readOpen(file, secretFile(file, credentials()), (mode) => {
    if (process.platform === "win32" || (mode & 0o027) === 0) return undefined
    return `holds a private key and is open to others (mode ${mode.toString(8)}): chmod 600 ${file}`
  })
}

/** The mode is asked of the open file, so that what is judged is what is read. */
function readOpen(
  file: string,
  path: string,
  refuse: (mode: number) => string | undefined,
): string {
  let fd: number
  try {
    // A pipe that nobody writes into would hold up the process for ever; then it is no file, below.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw new PosternError("CONFIG_INVALID", `${file} cannot be opened (${reason(cause)})`, {
      cause,
    })
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.size > fileBytesMax) {
      throw new PosternError("CONFIG_INVALID", `${file} is not a file of acceptable size`)
    }
    const refused = refuse(stat.mode & 0o777)
    if (refused !== undefined) throw new PosternError("CONFIG_INVALID", `${file} ${refused}`)
    const text = decodeUtf8(readFileSync(fd))
    if (text === undefined) throw new PosternError("CONFIG_INVALID", `${file} is not UTF-8`)
    return text
  } finally {
    closeSync(fd)
  }
}

function credentials(): string | undefined {
  return process.env.CREDENTIALS_DIRECTORY
}

function reason(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown"
}
