import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"

/** A way to the port that can be cut, now or after some bytes. */
export class CutProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Each new connection is cut after so many bytes of the port; taken from the front. */
  readonly cutsAfter: number[] = []

  static async start(
    target: () => { readonly host: string; readonly port: number },
  ): Promise<CutProxy> {
    const proxy = new CutProxy(target)
    proxy.#server.listen(0, "127.0.0.1")
    await once(proxy.#server, "listening")
    return proxy
  }

  private constructor(target: () => { readonly host: string; readonly port: number }) {
    this.#server = createServer((near) => {
      const far = connect(target())
      let leftBytes = this.cutsAfter.shift() ?? Number.POSITIVE_INFINITY
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one)
        one.on("error", () => undefined) // The other side sees the end.
        one.on("close", () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      }
      near.pipe(far)
      far.on("data", (chunk) => {
        leftBytes -= chunk.length
        // What the port has said last does not arrive.
        if (leftBytes >= 0) near.write(chunk)
        else {
          far.destroy()
        }
      })
    })
  }

  /** Somebody is connected through it. */
  get isUsed(): boolean {
    return this.#sockets.size > 0
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, "close")
  }
}
