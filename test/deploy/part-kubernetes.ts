import { spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isMap, parseAllDocuments } from "yaml"
import { root } from "../../tools/runtime-packages.ts"
import type { Results } from "../interop/results.ts"
import { until, within } from "../support/waiting.ts"
import { freePorts, portFlags, ready, type Stage } from "./stage.ts"

const manifests = join(root, "deploy/kubernetes")

interface Volume {
  readonly name: string
  readonly secret?: { readonly items: readonly { readonly key: string }[] }
}
interface Container {
  readonly name: string
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly capabilities?: { readonly drop?: readonly string[] }
  }
  readonly volumeMounts: readonly { readonly name: string }[]
}
interface Manifest {
  readonly kind: string
  // biome-ignore lint/suspicious/noExplicitAny: documents of many kinds, looked into by the checks below.
  readonly spec?: any
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly [member: string]: any
}

function readManifests(directory: string): Map<string, Manifest> {
  const files = readdirSync(directory).filter((name) => name.endsWith(".yaml"))
  const all = files.flatMap((name) => parseAll(readFileSync(join(directory, name), "utf8")))
  return new Map(all.map((one) => [one.kind, one]))
}

/** Strictly: an error or a warning of the parser throws. */
function parseAll(text: string): Manifest[] {
  // YAML 1.1, as Kubernetes reads it: 0440 is octal, << merges.
  return parseAllDocuments(text, { version: "1.1" }).map((document) => {
    const [fault] = [...document.errors, ...document.warnings]
    if (fault !== undefined || !isMap(document.contents)) throw fault ?? new Error("no mapping")
    return document.toJS() as Manifest
  })
}

/** The manifests: read, rendered where there is somebody to render them, and their configuration started. */
export async function checkKubernetes(stage: Stage, results: Results): Promise<void> {
  const base = readManifests(join(manifests, "base"))
  checkPod(base, results)
  const policy = base.get("NetworkPolicy")?.spec
  const open = policy.ingress.flatMap(({ ports }: Manifest) =>
    ports.map(({ port }: Manifest) => port),
  )
  const shut = policy.egress.length === 0 && `${policy.policyTypes}` === "Ingress,Egress"
  const own = policy.podSelector.matchLabels["app.kubernetes.io/name"] === "postern"
  results.check(
    `${open}` === "17514" && shut && own,
    "the network policy opens the write port only",
  )
  checkApiServer(results)
  const directory = join(stage.directory, "kubernetes")
  cpSync(manifests, directory, { recursive: true })
  await startExample(stage, join(directory, "example"), results)
  const example = stage.run("kubectl", ["kustomize", join(directory, "example")])
  if (example.text.includes("ENOENT")) return console.log("not rendered: there is no kubectl here")
  const kinds = example.code === 0 ? parseAll(example.text).map(({ kind }) => kind) : []
  results.check(
    kinds.length === 7,
    "kubectl kustomize renders the example",
    example.text.slice(0, 500),
  )
}

/** Pod Security Standard "restricted", and a root that nobody writes to. */
function checkPod(base: ReadonlyMap<string, Manifest>, results: Results): void {
  const { replicas, template } = base.get("StatefulSet")?.spec ?? {}
  const pod = template.spec
  const containers = pod.containers as readonly Container[]
  const { runAsNonRoot, seccompProfile, fsGroupChangePolicy } = pod.securityContext
  const profile = runAsNonRoot === true && seccompProfile.type === "RuntimeDefault"
  const restricted = containers.every(({ securityContext: is }) => {
    const drops = `${is?.capabilities?.drop}` === "ALL"
    return is?.allowPrivilegeEscalation === false && is.readOnlyRootFilesystem === true && drops
  })
  results.check(profile && restricted, "the pod is restricted")
  results.check(replicas === 1 && fsGroupChangePolicy === "OnRootMismatch", "one log, one writer")
  const keysOf = (name: string): string[] => {
    const mounts = containers.find((one) => one.name === name)?.volumeMounts ?? []
    const volumes = pod.volumes as readonly Volume[]
    return volumes
      .filter((volume) => mounts.some((mount) => mount.name === volume.name))
      .flatMap(({ secret }) => secret?.items.map(({ key }) => key) ?? [])
  }
  const apart = keysOf("port").includes("log.key") && !keysOf("reader").includes("log.key")
  results.check(
    apart && keysOf("reader").includes("server.key"),
    "the reader does not get the log key",
  )
}

function checkApiServer(results: Results): void {
  const files = readManifests(join(manifests, "api-server"))
  const levels = ((files.get("Policy")?.rules ?? []) as Manifest[]).map(({ level }) => level)
  results.check(
    levels.length > 0 && levels.every((level) => level === "None" || level === "Metadata"),
    "the audit policy asks for no body",
  )
  const server = new URL(files.get("Config")?.clusters[0].cluster.server)
  const path = readFileSync(join(root, "docs/reference/write-http.md"), "utf8").includes(
    `POST ${server.pathname}`,
  )
  results.check(path && server.port === "17514", "the webhook goes where the write port listens")
}

/** The example's configuration on this machine: other directories and ports, the rest as it is. */
async function startExample(stage: Stage, directory: string, results: Results): Promise<void> {
  const ports = await freePorts()
  const made = join(stage.directory, "pod")
  stage.must(stage.postern, ["init", made, ...portFlags(ports)])
  cpSync(join(made, "pki"), join(directory, "pki"), { recursive: true })
  for (const name of ["access.yaml", "policy.yaml"]) {
    cpSync(join(made, name), join(directory, name))
  }
  // The pod has no courier: the overlay carries no alerts.
  rmSync(join(made, "alerts.yaml"))
  const generated =
    readFileSync(join(directory, "kustomization.yaml"), "utf8").match(/pki\/\S+/g) ?? []
  const missing = generated.filter((file) => !existsSync(join(directory, file)))
  results.check(
    generated.length > 5 && missing.length === 0,
    "the example names what init makes",
    `${missing}`,
  )
  const config = join(made, "pod.yaml")
  const text = readFileSync(join(directory, "postern.yaml"), "utf8")
    .replaceAll("/var/lib/postern/", `${made}/var/`)
    .replaceAll("/etc/postern-pki/", `${made}/pki/`)
    .replaceAll("/etc/postern/", `${made}/`)
    .replace("17514", `${ports.write}`)
    .replace("17515", `${ports.read}`)
    .replace("17516", `${ports.ops}`)
  writeFileSync(config, text)
  const serving = spawn(stage.postern, ["serve", "--config", config], {
    ...{ env: stage.env, cwd: stage.directory, stdio: ["ignore", "ignore", "pipe"] },
  })
  let said = ""
  serving.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString()
  })
  try {
    await ready(ports.ops)
    const verify = () => {
      const ran = stage.run(stage.postern, [
        "verify",
        "--profile",
        join(made, "profiles/reader.yaml"),
      ])
      return ran.code === 0 || undefined
    }
    const verified = await until(verify, 40_000, "the reader").catch(() => undefined)
    results.check(verified === true, "the example's configuration starts and is read", said)
  } finally {
    const gone = once(serving, "exit")
    serving.kill("SIGTERM")
    await within(gone, 25_000, "the end").catch(() => serving.kill("SIGKILL"))
  }
}
