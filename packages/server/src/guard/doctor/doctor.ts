import { readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Profile } from "@postern/client"
import { isPosternError } from "@postern/log/base"
import { type Config, dataDirectories, policyFile, readTextFile } from "../../config/index.ts"
import { keepEverything, parsePolicy } from "../../policy/rules/index.ts"
import { expireUnanswered, passedReview, reviewState } from "../access/index.ts"
import { listCertificates } from "../certificates/index.ts"
import {
  type Finding,
  gatherListeners,
  gatherPortFacts,
  judgeListeners,
  type Severity,
  socketWords,
  thisMachine,
} from "../exposure/index.ts"
import { listKeyAges } from "../keys/index.ts"
import type { KeyPair } from "../pki/index.ts"
import { sendCanary } from "./canary.ts"
import { judgeCertificate } from "./certificates.ts"
import { tryDoors } from "./doors.ts"
import { examineEncryption } from "./encryption.ts"
import { examineFirewall } from "./firewall-drift.ts"
import { judgeKey } from "./key-ages.ts"
import {
  freeSpace,
  isLoose,
  isWritable,
  judgeMachine,
  type MachineFacts,
  measureSync,
  openParents,
  writableBeside,
} from "./machine-health.ts"
import { tryOpsDoors } from "./ops-door.ts"
import { judgePolicy } from "./policy.ts"
import { judgeNode, judgeProcess, readProcessFacts } from "./process-health.ts"
import { examineRetention } from "./retention.ts"
import { judgeReview, judgeUnanswered } from "./review.ts"
import { judgeStatus, type PortStatus } from "./standing.ts"

/** What an examination works with. */
export interface Patient {
  readonly config: Config
  /** Of the installation, to come to its doors with; undefined if there is none. */
  readonly writer: Profile | undefined
  readonly reader: Profile | undefined
  /** What the running port says of itself. Rejects if it cannot be asked. */
  status(): Promise<PortStatus>
  now(): Date
  /** Told what is being looked at. */
  progress(what: string): void
}

const dayMs = 86_400_000

/**
 * Every check, one part after the other. A part that cannot be made is a finding of its own, `unknown`, and never keeps the others from
 * being made.
 */
export async function examine(patient: Patient): Promise<Finding[]> {
  const { config } = patient
  const parts: readonly (readonly [string, Severity, () => Promise<Finding[]> | Finding[]])[] = [
    ["port", "critical", async () => judgeStatus(await patient.status())],
    ["policy", "high", () => examinePolicy(patient)],
    ["doors", "critical", () => examineDoors(patient)],
    ["canary", "critical", async () => [await examineWay(patient)]],
    ["ops", "critical", () => tryOpsDoors(config.listen.ops)],
    ["process", "high", () => examineProcess(patient)],
    ["listeners", "critical", () => examineListeners(config)],
    ["firewall", "high", () => examineFirewall(config, patient.now())],
    [
      "certificates",
      "critical",
      () => listCertificates(config, patient.now()).map(judgeCertificate),
    ],
    ["keys", "high", () => listKeyAges(config, patient.now()).map(judgeKey)],
    ["review", "high", () => examineReview(config, patient.now())],
    ["retention", "medium", () => examineRetention(config, patient.now())],
    ["encryption", "high", () => examineEncryption(config)],
    ["machine", "high", () => examineMachine(patient)],
  ]
  const findings: Finding[] = []
  for (const [name, severity, look] of parts) {
    patient.progress(name)
    try {
      findings.push(...(await look()))
    } catch (error) {
      if (!(error instanceof Error)) throw error
      const fix = isPosternError(error) ? error.hint : ""
      const about = { id: `${name}.examined`, subject: name, severity }
      findings.push({ ...about, result: "unknown", evidence: error.message, fix })
    }
  }
  return findings
}

const noProfile = {
  severity: "critical",
  result: "unknown",
  evidence: "a writer's and a reader's profile are needed",
  fix: "name them with --writer and --reader",
} as const

async function examinePolicy({ config, status }: Patient): Promise<Finding[]> {
  const file = policyFile(config)
  const { digest } = file === undefined ? keepEverything : parsePolicy(readTextFile(file))
  return judgePolicy(await status(), digest)
}

async function examineDoors({ config, writer, reader, now }: Patient): Promise<Finding[]> {
  if (writer === undefined || reader === undefined)
    return [{ ...noProfile, id: "doors.examined", subject: "doors" }]
  return tryDoors({ writer, reader, authority: readAuthority(config), now: now() })
}

async function examineWay({ writer, reader }: Patient): Promise<Finding> {
  if (writer === undefined || reader === undefined)
    return { ...noProfile, id: "canary", subject: "canary" }
  return sendCanary(writer, reader)
}

async function examineListeners(config: Config): Promise<Finding[]> {
  const [listeners, facts] = [
    await gatherListeners(config),
    await gatherPortFacts(thisMachine, socketWords(config)),
  ]
  return judgeListeners(listeners, config.listen.allow ?? [], facts)
}

async function examineProcess({ status, now }: Patient): Promise<Finding[]> {
  const { runtime } = await status()
  if (runtime === undefined) throw new Error("the port does not say which process it is")
  return [...judgeProcess(runtime, readProcessFacts(runtime.pid)), judgeNode(runtime.node, now())]
}

function examineReview(config: Config, now: Date): Finding[] {
  const passed = passedReview(config, +now)
  const expiry = passed && expireUnanswered(passed.campaign, readTextFile(config.access), now)
  return [judgeReview(reviewState(config, +now)), judgeUnanswered(expiry)]
}

function readAuthority({ pki }: Config): KeyPair | undefined {
  if (pki.caKey === undefined || !isThere(pki.caKey)) return undefined
  return { certificate: readFileSync(pki.ca, "utf8"), key: readFileSync(pki.caKey, "utf8") }
}

/** Throws if this user cannot find out. Not by access(2), which knows nothing of the rights that a user other than root was given. */
function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function examineMachine({ config, now }: Patient): Finding[] {
  const { log, portState, watchState, disclosures } = dataDirectories(config)
  const edited = [config.file, config.access, config.pki.ca, config.pki.certificate]
  const approvals = ["approvals", "break-glass", "reviews"].map((name) =>
    join(dirname(config.access), name),
  )
  const secrets = [config.pki.key, config.pki.logKey, config.pki.receiptKey, config.sealing]
  const watched = [config.data, log, disclosures, ...secrets].filter((path) => path !== undefined)
  const place = writableBeside(log, [portState, watchState])
  const facts: MachineFacts = {
    disk: freeSpace(log),
    grown: growthOf(log, now()),
    fdatasyncMs: place === undefined ? undefined : measureSync(place),
    isRoot: process.getuid?.() === 0,
    loose: watched.filter((path) => isThere(path) && isLoose(path)),
    writable: [...edited, ...approvals].filter((path) => isThere(path) && isWritable(path)),
    exchangeable: [config.data, config.file, config.access].flatMap(openParents),
    node: process.versions.node,
    openssl: process.versions.openssl,
  }
  return judgeMachine(facts, config.data)
}

/** Since the log was begun; undefined in its first hour, from which nothing follows. */
function growthOf(log: string, now: Date): MachineFacts["grown"] {
  const { created } = JSON.parse(readFileSync(join(log, "log.json"), "utf8")) as { created: string }
  const days = (+now - Date.parse(created)) / dayMs
  if (days < 1 / 24) return undefined
  const segments = join(log, "segments")
  const bytes = readdirSync(segments)
    // A file may be gone by now: old ones are removed, sealed ones become another.
    .map((name) => statSync(join(segments, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0)
  return { bytes, days }
}
