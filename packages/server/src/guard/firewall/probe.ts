import { connect } from "node:net"
import type { HostPort } from "../../config/index.ts"

const timeoutMs = 2_000

/** Those of the addresses at which somebody on this machine takes a connection; all are asked at the same time. */
export async function answeringOf(addresses: readonly HostPort[]): Promise<HostPort[]> {
  const found = await Promise.all(addresses.map(answers))
  return addresses.filter((_, at) => found[at])
}

function answers({ host, port }: HostPort): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.on("connect", () => end(true))
    socket.on("timeout", () => end(false))
    socket.on("error", () => end(false))
  })
}
