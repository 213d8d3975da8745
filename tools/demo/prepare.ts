import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { PosternError } from "@postern/log/base"
import { type Config, loadConfig } from "../../packages/server/dist/config/index.js"
import { enrolWriter, initDirectory } from "../../packages/server/dist/guard/setup/index.js"

/** Where the demo lives and who takes part. */
export interface Place {
  readonly directory: string
  readonly config: Config
  /** Made just now, not by an earlier run. */
  readonly fresh: boolean
  readonly addresses: { readonly write: string; readonly read: string; readonly ops: string }
  readonly profiles: {
    readonly app: string
    readonly kubernetes: string
    readonly http: string
    readonly reader: string
  }
}

/** Makes the installation if it is not there. Errors: ADDRESS_IN_USE if somebody listens where it would. */
export async function prepare(url: URL): Promise<Place> {
  const directory = fileURLToPath(url)
  const file = join(directory, "postern.yaml")
  const fresh = !existsSync(file)
  if (fresh) await install(directory)
  const config = loadConfig(file)
  const address = (of: readonly { host: string; port: number }[]) => `${of[0]?.host}:${of[0]?.port}`
  const { write, read, ops, syslog = [] } = config.listen
  for (const each of [...write, ...read, ...ops, ...syslog]) await mustBeFree(each)
  const profile = (name: string) => join(directory, "profiles", `${name}.yaml`)
  return {
    directory,
    config,
    fresh,
    addresses: { write: address(write), read: address(read), ops: address(ops) },
    profiles: {
      app: profile("writer"),
      kubernetes: profile("writer-kubernetes"),
      http: profile("writer-billing"),
      reader: profile("reader"),
    },
  }
}

async function install(directory: string): Promise<void> {
  const { config } = await initDirectory({ directory })
  switchOnSyslog(config.file)
  const now = new Date()
  await enrolWriter({
    config,
    name: "kubernetes",
    adapters: ["kubernetes"],
    sources: ["k8s://demo"],
    owner: "the demo's API server",
    now,
  })
  await enrolWriter({
    config,
    name: "billing",
    adapters: ["http"],
    sources: ["app://billing"],
    owner: "the demo's billing job",
    now,
  })
}

/** So that `postern connect rsyslog` works here as it is: the line stands in the file, as a remark. */
function switchOnSyslog(file: string): void {
  const text = readFileSync(file, "utf8")
  const on = text.replace(/^( *)# (syslog: )/m, "$1$2")
  if (on === text) throw new PosternError("CONFIG_INVALID", "it has no remark on listen.syslog")
  writeFileSync(file, on)
}

function mustBeFree(address: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", (cause) => {
      reject(new PosternError("ADDRESS_IN_USE", `${address.host}:${address.port}`, { cause }))
    })
    server.listen(address.port, address.host, () => server.close(() => resolve()))
  })
}
