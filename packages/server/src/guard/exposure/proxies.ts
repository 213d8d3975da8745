import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"

/** A programme that takes connections on one port and makes them anew to another: Docker's userland proxy. */
export interface PassingOn {
  readonly pid: number
  /** The port that it publishes. */
  readonly hostPort: number
  readonly address: string
  readonly port: number
}

/**
 * Every one that may be seen. A proxy of another kind looks like any client.
 * @param root where `proc` is
 */
export function findProxies(root: string): PassingOn[] {
  const proc = join(root, "proc")
  if (!existsSync(proc)) return []
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => proxyOf(Number(name), wordsOf(join(proc, name, "cmdline"))) ?? [])
}

function wordsOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\0")
  } catch {
    return [] // It has just ended.
  }
}

/** `docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8443 -container-ip 172.17.0.2 -container-port 17514` */
function proxyOf(pid: number, words: readonly string[]): PassingOn | undefined {
  if (basename(words[0] ?? "") !== "docker-proxy") return undefined
  const of = (name: string): string => words[words.indexOf(name) + 1] ?? ""
  const [hostPort, port] = [Number(of("-host-port")), Number(of("-container-port"))]
  return { pid, hostPort, address: of("-container-ip"), port }
}
