import { createServer, type Server } from "node:net"

/** Below the ports that a kernel hands out by itself, to connections and to whoever listens on 0. */
const [first, end] = [20_000, 32_000]
/** Held until this process ends. */
const claims: Server[] = []
let next = first + Math.floor(Math.random() * (end - first))

/**
 * TCP ports of 127.0.0.1 that nobody listens on, for processes that are yet to start: no connection is given one meanwhile, and no other
 * test either, in whatever process.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = next
    next = port + 1 < end ? port + 1 : first
    if ((await isClaimed(port)) && (await isFree(port))) ports.push(port)
  }
  return ports
}

/** A name in Linux's abstract namespace is one process's, and free again when that ends; elsewhere chance keeps them apart. */
async function isClaimed(port: number): Promise<boolean> {
  if (process.platform !== "linux") return true
  const claim = await listening({ path: `\0postern-test-port-${port}` })
  if (claim !== undefined) claims.push(claim.unref())
  return claim !== undefined
}

async function isFree(port: number): Promise<boolean> {
  const server = await listening({ host: "127.0.0.1", port })
  if (server === undefined) return false
  await new Promise((resolve) => server.close(resolve))
  return true
}

function listening(at: { path: string } | { host: string; port: number }) {
  return new Promise<Server | undefined>((resolve, reject) => {
    const server = createServer()
    server.once("listening", () => resolve(server))
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined)
      else reject(error)
    })
    server.listen(at)
  })
}
