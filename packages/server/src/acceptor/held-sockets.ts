import { fstatSync, rmSync, writeFileSync } from "node:fs"
import { PosternError } from "@postern/log/base"
import type { HostPort } from "../config/index.ts"

/** An address to listen on; with `fd` a socket that is bound to it already. */
export interface HeldAddress extends HostPort {
  readonly fd?: number
}

/** What a service manager says of the sockets that it holds and passed on (sd_listen_fds(3)). */
export interface HeldEnvironment {
  readonly LISTEN_PID?: string | undefined
  readonly LISTEN_FDS?: string | undefined
  readonly LISTEN_FDNAMES?: string | undefined
}

const firstFd = 3
const fdsMax = 64

/**
 * The addresses of a plane, each with the socket that the service manager holds for it. Where it passed sockets at all, every address has one:
 * the process may be shut off from the network, and must not listen where nobody comes. Names of sockets are names of planes; several of one
 * plane come in the order of the configuration. Without passed sockets the addresses are as they were.
 * @throws PosternError CONFIG_INVALID if sockets and addresses do not go together
 */
export function heldAddresses(
  plane: "write" | "read" | "ops" | "syslog",
  addresses: readonly HostPort[],
  env: HeldEnvironment = process.env,
  pid: number = process.pid,
): readonly HeldAddress[] {
  const names = heldNames(env, pid)
  if (names === undefined) return addresses
  const fds = names.flatMap((name, index) => (name === plane ? [firstFd + index] : []))
  if (fds.length === addresses.length) {
    return addresses.map((address, index) => ({ ...address, fd: fds[index] as number }))
  }
  const counts = `${fds.length} sockets named ${plane}, listen.${plane} names ${addresses.length}`
  throw new PosternError("CONFIG_INVALID", `the service manager passed ${counts}`)
}

/**
 * Leaves a word of which passed sockets this process serves, `{"pid":…,"inodes":[…]}`: they are of the user who opened them, so that who
 * serves them is seen by nobody but those who may look into a process. Without passed sockets there is no word.
 * @param failed told why there is none, which keeps nobody from serving
 */
export function tellHeldSockets(
  file: string,
  addresses: readonly HeldAddress[],
  failed: (error: unknown) => void,
): void {
  try {
    const inodes = addresses.flatMap(({ fd }) => (fd === undefined ? [] : [fstatSync(fd).ino]))
    rmSync(file, { force: true })
    if (inodes.length === 0) return
    const word = { pid: process.pid, inodes }
    writeFileSync(file, `${JSON.stringify(word)}\n`, { mode: 0o640, flag: "wx" })
  } catch (error) {
    failed(error)
  }
}

/** The names in the order of the descriptors; undefined if nothing was passed to this process. */
function heldNames(env: HeldEnvironment, pid: number): string[] | undefined {
  if (env.LISTEN_PID !== String(pid) || env.LISTEN_FDS === undefined) return undefined
  const count = /^[1-9]\d?$/.test(env.LISTEN_FDS) ? Number(env.LISTEN_FDS) : 0
  const names = (env.LISTEN_FDNAMES ?? "").split(":")
  if (count > 0 && count <= fdsMax && names.length === count) return names
  const said = `LISTEN_FDS=${env.LISTEN_FDS} LISTEN_FDNAMES=${env.LISTEN_FDNAMES ?? ""}`
  throw new PosternError("CONFIG_INVALID", `sockets are passed with a name each, not ${said}`)
}
