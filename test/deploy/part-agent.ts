import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseDocument } from "yaml"
import { parseAgentSettings } from "../../packages/server/dist/agent/index.js"
import { root } from "../../tools/runtime-packages.ts"
import type { Results } from "../interop/results.ts"
import type { Stage } from "./stage.ts"

/** What `systemd-analyze security` may say at most, as of every unit. */
const exposureMax = 2
const unitName = "postern-agent.service"

/** The agent's unit judged by systemd's own tools, its manifests read, its configuration taken by the agent's own parser. */
export function checkAgentFiles(stage: Stage, results: Results): void {
  checkUnit(stage, results)
  checkDaemonSet(stage, results)
}

function checkUnit(stage: Stage, results: Results): void {
  const directory = join(stage.directory, "agent-unit")
  mkdirSync(directory)
  const unit = join(directory, unitName)
  const text = readFileSync(join(root, "deploy/systemd", unitName), "utf8")
  // Where this programme has installed it.
  writeFileSync(unit, text.replace("/usr/bin/postern", stage.postern))
  const verify = stage.run("systemd-analyze", ["verify", unit])
  results.check(
    verify.code === 0 && verify.text === "",
    `systemd-analyze verify ${unitName}`,
    verify.text,
  )
  const security = stage.run("systemd-analyze", ["security", "--offline=yes", "--no-pager", unit])
  const level = Number(/exposure level for \S+: ([\d.]+)/.exec(security.text)?.[1] ?? Number.NaN)
  const what = `systemd-analyze security ${unitName}: ${level}, at most ${exposureMax}`
  results.check(level <= exposureMax, what, security.text)
  const prefix = join(directory, "root")
  mkdirSync(join(prefix, "etc/sysusers.d"), { recursive: true })
  copyFileSync(
    join(root, "deploy/systemd/postern-agent.conf"),
    join(prefix, "etc/sysusers.d/postern-agent.conf"),
  )
  const users = stage.run("systemd-sysusers", [`--root=${prefix}`])
  results.check(users.code === 0, "systemd-sysusers takes the agent's user", users.text)
}

interface Mount {
  readonly name: string
  readonly mountPath: string
  readonly readOnly?: boolean
}

function checkDaemonSet(stage: Stage, results: Results): void {
  const directory = join(root, "deploy/kubernetes/agent")
  const text = readFileSync(join(directory, "daemon-set.yaml"), "utf8")
  const document = parseDocument(text, { version: "1.1", merge: true })
  const pod = document.toJS().spec.template.spec
  const all = [...pod.initContainers, ...pod.containers]
  const isShut = all.every(({ securityContext: { capabilities, ...is } }) => {
    const drops = `${capabilities.drop}` === "ALL"
    return is.allowPrivilegeEscalation === false && is.readOnlyRootFilesystem === true && drops
  })
  results.check(document.errors.length === 0 && isShut, "the agent's pod is restricted")
  const mounts: readonly Mount[] = pod.containers[0].volumeMounts
  const isReadOnly = ["logs", "config"].every((name) => {
    return mounts.some((mount) => mount.name === name && mount.readOnly === true)
  })
  results.check(isReadOnly, "the agent's pod cannot write where the node's logs are")
  const file = join(directory, "agent.yaml")
  const settings = parseAgentSettings(readFileSync(file, "utf8"), file)
  const isKept = mounts.some((mount) => settings.state.startsWith(`${mount.mountPath}/`))
  results.check(isKept && settings.sources.length === 2, "the agent's configuration is taken")
  const rendered = stage.run("kubectl", ["kustomize", directory])
  if (rendered.text.includes("ENOENT")) return console.log("not rendered: there is no kubectl here")
  results.check(
    rendered.code === 0,
    "kubectl kustomize renders the agent",
    rendered.text.slice(0, 500),
  )
}
