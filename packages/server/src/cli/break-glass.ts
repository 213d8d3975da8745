import { X509Certificate } from "node:crypto"
import { mkdirSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { loadProfile, parseProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { breakGlassMs, breakGlassOf, endIdentity, parseAccess } from "../access/index.ts"
import { type StatementKind, signStatement } from "../approval/index.ts"
import { type Config, readTextFile } from "../config/index.ts"
import { readSealedId, unsealProfile } from "../guard/break-glass/index.ts"
import { changeFile, createFile, profilesDirectory } from "../guard/setup/index.ts"
import { type AccessState, applyAccess } from "./live-access.ts"

/** Where sealed credentials lie, and what operators signed about them: beside access.yaml. */
export function breakGlassDirectory(config: Pick<Config, "access">): string {
  const directory = join(dirname(config.access), "break-glass")
  mkdirSync(directory, { recursive: true })
  return directory
}

export interface BreakSeal {
  readonly config: Config
  /** The sealed credential. */
  readonly file: string
  readonly passphrase: string
  readonly reason: string
  /** The operator's profile, which signs. */
  readonly operator: string
  /** Where the reader's profile is written. */
  readonly output: string
  readonly now: Date
}

export interface BrokenSeal {
  readonly id: string
  /** YYYY-MM-DDThh:mm:ssZ. */
  readonly until: string
  readonly state: AccessState
}

/**
 * Breaks a seal: an operator signs for it, the identity gets its hour in access.yaml, the running service takes that over, and the
 * reader's profile is written. What the service refuses leaves everything as it was. Errors: PROFILE_INVALID · USAGE ·
 * ALREADY_EXISTS · UNREACHABLE · APPROVAL_MISSING
 */
export async function breakSeal(asked: BreakSeal): Promise<BrokenSeal> {
  const { config, file, now, output } = asked
  const text = readTextFile(file)
  const id = readSealedId(text)
  demandSealed(config, id)
  const profile = await unsealProfile(text, asked.passphrase)
  demandGood(profile, id, now)
  const until = secondsOf(new Date(now.getTime() + breakGlassMs))
  const fields = { identity: id, until, reason: asked.reason }
  const statement = signAs(config, asked.operator, "open-break-glass", { fields, now })
  createFile(output, profile, 0o600)
  const signed = join(
    breakGlassDirectory(config),
    `${basename(id)}-${until.replaceAll(":", "")}.opened`,
  )
  try {
    createFile(signed, statement, 0o644)
    return { id, until, state: await open(config, { id, until, operator: asked.operator }) }
  } catch (error) {
    rmSync(output, { force: true })
    rmSync(signed, { force: true })
    throw error
  }
}

async function open(
  config: Config,
  {
    id,
    until,
    operator,
  }: { readonly id: string; readonly until: string; readonly operator: string },
): Promise<AccessState> {
  let before = ""
  let opened = ""
  changeFile(config.access, () => {
    before = readTextFile(config.access)
    opened = endIdentity(before, id, until)
    return opened
  })
  try {
    const state = await applyAccess({ config, profile: operator })
    if (state !== "at-start") return state
    throw new PosternError("UNREACHABLE", "the service is not running: nobody would hear of it")
  } catch (error) {
    // Only what we wrote is taken back.
    changeFile(config.access, () => {
      const now = readTextFile(config.access)
      return now === opened ? before : now
    })
    throw error
  }
}

function demandSealed({ access }: Config, id: string): void {
  const found = breakGlassOf(parseAccess(readTextFile(access)).identities)
  const one = found.find((identity) => identity.id === id)
  if (one === undefined)
    throw new PosternError("USAGE", `${access} names no break-glass access of ${id}`)
  if (one.expires !== undefined)
    throw new PosternError("USAGE", `${id} is not sealed any more: a seal is broken once`)
}

function demandGood(text: string, id: string, now: Date): void {
  const profile = parseProfile(text)
  if (profile.id !== id || profile.role !== "reader")
    throw new PosternError("PROFILE_INVALID", `it is not the profile of ${id}`)
  const { validTo, validToDate } = new X509Certificate(profile.certificate)
  if (validToDate.getTime() <= now.getTime())
    throw new PosternError("PROFILE_INVALID", `its certificate ended ${validTo}`)
}

/** An operator's statement. Errors: PROFILE_INVALID, APPROVAL_INVALID. */
export function signAs(
  { origin }: Config,
  operator: string,
  kind: StatementKind,
  { fields, now }: { readonly fields: Readonly<Record<string, string>>; readonly now: Date },
): string {
  const profile = loadProfile(operator)
  if (profile.role !== "operator")
    throw new PosternError("PROFILE_INVALID", `it is a ${profile.role}'s, an operator's is needed`)
  return signStatement({ kind, origin, time: secondsOf(now), fields }, profile)
}

export function secondsOf(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

export function operatorOf(config: Config, named: string | undefined): string {
  return named ?? join(profilesDirectory(config), "operator.yaml")
}
