import { lookup } from "node:dns/promises"
import { chmod, lstat, unlink } from "node:fs/promises"
import { connect, type Server } from "node:net"
import { dirname } from "node:path"
import { PosternError } from "@postern/log/base"
import { scopeOf } from "../config/index.ts"
import type { Address } from "./api.ts"

/** Smallest size of sockaddr_un's path among our platforms (macOS), without the closing zero. */
const socketPathBytesMax = 103

/**
 * Makes `server` listen on the address and says what is really bound, as `host:port` or path.
 * Errors: BIND_REFUSED, ADDRESS_IN_USE, CONFIG_INVALID.
 */
export async function bind(server: Server, address: Address): Promise<string> {
  if ("path" in address) {
    await clearSocketPath(address.path)
    await listening(server, { path: address.path }, address.path)
    // Who may come in, the directory says.
    await chmod(address.path, 0o660)
    return address.path
  }
  const wanted = formatHostPort(address.host, address.port)
  const host = await resolveHost(address, wanted)
  const { fd, port } = address
  const how = fd === undefined ? { host, port, ipv6Only: true, exclusive: true } : { fd }
  await listening(server, how, wanted)
  const bound = server.address()
  const is = typeof bound === "object" && bound !== null ? bound : undefined
  if (is === undefined) throw invalid(wanted, "that is no internet socket")
  // Who bound a passed socket is somebody else; it must be where the configuration says.
  if (is.address === host && (port === 0 || is.port === port)) return formatHostPort(host, is.port)
  server.close()
  throw invalid(wanted, `the socket that was passed is ${formatHostPort(is.address, is.port)}`)
}

/** `host:port`, an IPv6 address in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * The numeric address that will be bound. Resolved here and not inside listen(), because "0", "0x0"
 * or a name in /etc/hosts can be the wildcard too, and a name can be public.
 */
async function resolveHost(
  { host, allow }: Extract<Address, { host: string }>,
  wanted: string,
): Promise<string> {
  if (host === "" || host === "*") throw new PosternError("BIND_REFUSED", wanted)
  let address: string
  try {
    address = (await lookup(host)).address
  } catch (cause) {
    throw unusable(wanted, cause)
  }
  const scope = scopeOf(address)
  const isExposed = scope === "wildcard" || scope === "public"
  if (isExposed && allow?.includes(scope) !== true) {
    throw new PosternError("BIND_REFUSED", `${wanted} is ${scope}`)
  }
  return address
}

type Listening = Parameters<Server["listen"]>[0]

function listening(server: Server, how: Listening & object, wanted: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error) => {
      const taken = codeOf(cause) === "EADDRINUSE"
      reject(
        taken ? new PosternError("ADDRESS_IN_USE", wanted, { cause }) : unusable(wanted, cause),
      )
    }
    server.once("error", failed)
    try {
      server.listen(how, () => {
        server.off("error", failed)
        resolve()
      })
    } catch (cause) {
      reject(unusable(wanted, cause))
    }
  })
}

/**
 * Makes sure that a socket can be made at `path`: its directory keeps others out, and nothing is
 * there but, at most, a socket that nobody answers on any more, which is removed.
 */
async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > socketPathBytesMax) {
    throw invalid(path, `a socket path has at most ${socketPathBytesMax} bytes`)
  }
  const directory = await lstat(dirname(path)).catch((cause: unknown) => {
    throw unusable(path, cause)
  })
  if (!directory.isDirectory()) throw invalid(path, "its directory is not a directory")
  if ((directory.mode & 0o027) !== 0) {
    throw invalid(path, "its directory must have mode 0700, or 0750 for a group")
  }
  if (process.getuid !== undefined && directory.uid !== process.getuid()) {
    throw invalid(path, "its directory belongs to another user")
  }
  const present = await lstat(path).catch((cause: unknown) => {
    if (codeOf(cause) === "ENOENT") return undefined
    throw unusable(path, cause)
  })
  if (present === undefined) return
  if (!present.isSocket()) throw invalid(path, "something that is not a socket is there")
  if (await isAnswered(path)) throw new PosternError("ADDRESS_IN_USE", path)
  await unlink(path)
}

/**
 * Only a refused connection proves that no process holds the socket; any other trouble counts as an
 * answer.
 */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path })
    probe.once("connect", () => {
      probe.destroy()
      resolve(true)
    })
    probe.once("error", (error) => resolve(codeOf(error) !== "ECONNREFUSED"))
  })
}

function invalid(wanted: string, why: string): PosternError {
  return new PosternError("CONFIG_INVALID", `cannot listen on ${wanted}: ${why}`)
}

function unusable(wanted: string, cause: unknown): PosternError {
  const why = codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause))
  return new PosternError("CONFIG_INVALID", `cannot listen on ${wanted}: ${why}`, { cause })
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined
  return typeof error.code === "string" ? error.code : undefined
}
