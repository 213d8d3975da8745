import { isIP } from "node:net"
import { basename, dirname } from "node:path"
import { PosternError } from "@postern/log/base"
import { type Config, formatHostPort, type HostPort } from "../../config/index.ts"

/** What a unit means by itself: no quotes, no blanks, no specifiers. */
const plain = /^[A-Za-z0-9/._@:+,=-]+$/
const hidden = ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"]

/** The path as a unit may name it. Errors: CONFIG_INVALID if it cannot, or if the units could not see what is there. */
export function unitPath(path: string): string {
  if (!plain.test(path)) throw refused(path, "a unit takes letters, digits and /._@:+,=- only")
  const behind = hidden.find((prefix) => path.startsWith(prefix))
  if (behind !== undefined) throw refused(path, `the units do not see what is in ${behind}`)
  return path
}

/** Errors: CONFIG_INVALID for a name, or for any free port: the service manager binds them before anybody looks names up. */
export function unitAddress(address: HostPort): string {
  if (isIP(address.host) !== 0 && address.port !== 0) return formatHostPort(address)
  throw refused(formatHostPort(address), "a socket unit takes a numeric address and a port")
}

/** May read the key that the write and the read port show; the courier, which speaks to the outside, is not in it. */
export const portsGroup = "postern-ports"

/**
 * Whether a TLS key is read where it lies, so that a renewed one is seen: below the directory of postern.yaml. Anything else is not ours to
 * hand to another owner, and is a credential.
 */
export function isRenewable({ file }: Pick<Config, "file">, key: string): boolean {
  return key.startsWith(`${dirname(file)}/`)
}

/**
 * The lines that hand private keys to a unit: root reads the files, the unit's user need not. A key that is a credential
 * already is handed over by whoever made it one.
 * Errors: CONFIG_INVALID if two files have one name.
 */
export function credentialLines(files: readonly (string | undefined)[]): string[] {
  const keys = files.filter((file) => file !== undefined && !file.startsWith("credential:"))
  const byName = new Map<string, string>()
  for (const file of keys as string[]) {
    const name = basename(file)
    if ((byName.get(name) ?? file) !== file) throw refused(file, "another key has this file's name")
    byName.set(name, unitPath(file))
  }
  return [...byName].map(([name, file]) => `LoadCredential=${name}:${file}`)
}

function refused(what: string, why: string): PosternError {
  return new PosternError("CONFIG_INVALID", `${what}: ${why}`)
}
