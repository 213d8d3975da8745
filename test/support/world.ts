import { Entries } from "./entries.ts"
import { eventText } from "./events.ts"
import { FramedClient } from "./framed-client.ts"
import { ask } from "./http-client.ts"
import { Installation } from "./installation.ts"
import { startPort } from "./port-process.ts"

/** Installations with a running port for tests that need one each, and the taking away of everything. */
export function openWorld() {
  const undo: (() => unknown)[] = []

  const undoAll = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }

  /** An installation, its writer `app` and its running port; all of it is gone after the test. */
  async function start(parent?: string) {
    const installation = await Installation.make(parent)
    undo.push(() => installation.remove())
    const app = await installation.writer("app")
    const port = await startPort(installation.configFile)
    undo.push(() => (port.isAlive ? port.end("SIGKILL") : undefined))
    const entries = await Entries.follow(installation.log)
    undo.push(() => entries.close())
    const enter = async () => {
      const client = await FramedClient.enter(port.write, installation.ca.certificate, app)
      undo.push(() => client.destroy())
      return client
    }
    const post = (body = eventText()) => ask(port.write, installation.ca.certificate, app, { body })
    return { installation, app, port, entries, enter, post }
  }

  return { start, undo, undoAll }
}
