import { readFileSync, readlinkSync } from "node:fs"
import { hostname, userInfo } from "node:os"
import type { CommandIo } from "./io.ts"

/** Who runs a command, as the machine says it. Names in variables of the environment are claims of whoever set them. */
export interface Invoker {
  readonly actor: {
    readonly type: "user"
    readonly id: string
    readonly uid: number
    readonly as?: string
  }
  readonly origin: { readonly host: string; readonly ip?: string; readonly tty?: string }
  /** What else is known: the login that the kernel remembers, the ssh connection. */
  readonly more: Readonly<Record<string, unknown>>
}

/** `auid` of a process that belongs to no login. */
const noLogin = 4_294_967_295

export function findInvoker({ env }: Pick<CommandIo, "env">): Invoker {
  const { username, uid } = whoAmI()
  // sudo sets it for root; anybody else may have set it by hand.
  const before = uid === 0 ? env.SUDO_USER : undefined
  const actor =
    before === undefined || before === ""
      ? ({ type: "user", id: username, uid } as const)
      : ({ type: "user", id: before, uid, as: username } as const)
  const ssh = env.SSH_CONNECTION
  const ip = /^[0-9A-Fa-f:.]+(?= )/.exec(ssh ?? "")?.[0]
  const tty = terminalName()
  const login = loginUid()
  return {
    actor,
    origin: {
      host: hostname(),
      ...(ip === undefined ? {} : { ip }),
      ...(tty === undefined ? {} : { tty }),
    },
    more: {
      ...(login === undefined ? {} : { loginUid: login }),
      ...(ssh === undefined ? {} : { sshConnection: ssh }),
    },
  }
}

function whoAmI(): { username: string; uid: number } {
  const uid = process.getuid?.() ?? -1
  try {
    return { username: userInfo().username, uid }
  } catch {
    return { username: String(uid), uid } // A number that no directory has a name for.
  }
}

/** `/dev/pts/3`; undefined where standard input is none, or the system does not say which. */
function terminalName(): string | undefined {
  if (!process.stdin.isTTY) return undefined
  try {
    return readlinkSync("/proc/self/fd/0")
  } catch {
    return undefined // Not Linux.
  }
}

/** The user id of the login that this process comes from, over su and sudo. */
function loginUid(): number | undefined {
  try {
    const uid = Number(readFileSync("/proc/self/loginuid", "utf8").trim())
    return Number.isSafeInteger(uid) && uid !== noLogin ? uid : undefined
  } catch {
    return undefined // Not Linux, or a kernel without audit.
  }
}
