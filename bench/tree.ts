import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

type Setup = typeof import("../packages/server/dist/guard/setup/index.js")
type Supervision = typeof import("../packages/server/dist/supervisor/index.js")

/** A built checkout: everything about the server comes from it, so that two of them can be compared. */
export interface Tree {
  readonly directory: string
  readonly initDirectory: Setup["initDirectory"]
  readonly portMain: string
  /** Node's flags for the port process. */
  readonly execArgv: readonly string[]
  readonly command: string
}

export const house = fileURLToPath(new URL("..", import.meta.url))

export async function loadTree(directory: string): Promise<Tree> {
  const server = join(resolve(directory), "packages/server")
  const portMain = join(server, "dist/port/main.js")
  if (!existsSync(portMain)) {
    throw new Error(`${portMain} is missing: run "npm install && npm run build" in ${directory}`)
  }
  const load = (path: string) => import(pathToFileURL(join(server, path)).href)
  const { initDirectory }: Setup = await load("dist/guard/setup/index.js")
  const { nodeFlags }: Supervision = await load("dist/supervisor/index.js")
  const command = join(server, "bin/postern.cjs")
  const execArgv = nodeFlags.port
  return { directory: resolve(directory), initDirectory, portMain, execArgv, command }
}
