import { statSync } from "node:fs"
import { dirname, join } from "node:path"
import { loadProfile, type Profile } from "@postern/client"
import { dataDirectories } from "../config/index.ts"
import { replaceFile } from "../disk/index.ts"
import { examine, type PortStatus } from "../guard/doctor/index.ts"
import { type Finding, type Result, worstOf } from "../guard/exposure/index.ts"
import { makeDirectoryBelow } from "../guard/setup/index.ts"
import { adminClient, type OperatorAct, tellOf } from "./admin-client.ts"
import { loadInstallation } from "./installation.ts"
import type { CommandIo } from "./io.ts"

export interface Examined {
  /** Of the installation: postern.yaml. */
  readonly config: string
  /** Profiles to come to the doors with; default: those that `postern init` made. */
  readonly writer?: string
  readonly reader?: string
}

/** Looks at a running installation, and has the port enter what was found, if there is a port to take it. */
export async function examineInstallation(
  { config, writer, reader }: Examined,
  io: CommandIo,
  progress: (what: string) => void,
): Promise<Finding[]> {
  const beside = (name: string) => join(dirname(config), "profiles", `${name}.yaml`)
  const admin = adminClient(loadProfile(beside("operator")))
  const loaded = loadInstallation(config)
  const findings = await examine({
    config: loaded,
    writer: profileOf(writer, beside("writer")),
    reader: profileOf(reader, beside("reader")),
    status: async () => (await admin.status()) as PortStatus,
    now: () => io.now(),
    progress,
  })
  await keepWord(dataDirectories(loaded).doctorsWord, findings, io)
  await tellOf(admin, actOf(findings), io)
  return findings
}

/** For the console, which the reader process serves: the entry in the log holds the ids of the checks only. */
async function keepWord(file: string, findings: readonly Finding[], io: CommandIo): Promise<void> {
  const word = { at: io.now().toISOString(), findings }
  try {
    makeDirectoryBelow(dirname(file), 0o750)
    await replaceFile(file, `${JSON.stringify(word)}\n`)
  } catch (error) {
    // Another user than the service's may ask the doctor, too.
    const why = error instanceof Error ? error.message : String(error)
    io.note(`postern: the findings were not kept for the console: ${why}`)
  }
}

function profileOf(named: string | undefined, beside: string): Profile | undefined {
  if (named !== undefined) return loadProfile(named)
  // Not by access(2), which knows nothing of the rights that a user other than root was given.
  const stat = statSync(beside, { throwIfNoEntry: false })
  return stat === undefined ? undefined : loadProfile(beside)
}

const checksMax = 40
const outcomes = { ok: "success", warn: "success", fail: "failure", unknown: "unknown" } as const

/** Of all findings, whatever decides the exit code. */
function actOf(findings: readonly Finding[]): OperatorAct {
  const result: Result = worstOf(findings.map((finding) => finding.result))
  const counts: Record<string, number> = {}
  for (const finding of findings) counts[finding.result] = (counts[finding.result] ?? 0) + 1
  const bad = findings.filter((finding) => finding.result !== "ok").map(({ id }) => id)
  const data = { result, ...counts, checks: [...new Set(bad)].slice(0, checksMax) }
  return { action: "postern.doctor.examined", outcome: outcomes[result], data }
}
