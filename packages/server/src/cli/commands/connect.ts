import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Command } from "commander"
import { parseAccess } from "../../access/index.ts"
import { type Config, formatHostPort, loadConfig, readTextFile } from "../../config/index.ts"
import { type Place, type Recipe, type Rendering, recipes } from "../../guard/connect/index.ts"
import { createFile, profilesDirectory } from "../../guard/setup/index.ts"
import { identityFor } from "../connect-identity.ts"
import {
  directoryOf,
  isNamed,
  makeDirectoryOf,
  placeOf,
  profileAddress,
  writePems,
} from "../connect-place.ts"
import { formatConnection } from "../connect-text.ts"
import { Ending, exitCodes } from "../exit-code.ts"
import { firstEvent } from "../first-event.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { type AccessState, applyAccess, describeState, listInForce } from "../live-access.ts"
import { configOption, jsonOption, wholeNumber } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { describeEntry, type ShownEntry } from "../shown-entry.ts"
import { formatTable } from "../table.ts"

interface Flags {
  readonly config: string
  readonly name?: string
  readonly address?: string
  readonly directory?: string
  readonly apply?: string | true
  readonly wait: number
  readonly profile?: string
  readonly json?: true
}

const waitSeconds = 300
const progressMs = 10_000

export function registerConnect(program: Command, io: CommandIo): void {
  program
    .command("connect")
    .helpGroup(helpGroups.setUp)
    .summary("connect a source: its identity, its exact configuration, its first event")
    .description(
      "Issues certificate and grant for a source, prints the configuration that it needs, waits for its first event and shows it verified. " +
        "Without a source: which there are.",
    )
    .argument("[source]", "rsyslog, kubernetes, postgresql …")
    .option("--name <name>", "last part of the writer's id (default: the source's name)")
    .option(
      "--address <host[:port]>",
      "by which the source reaches the port (default: the first in listen)",
    )
    .option(
      "--directory <dir>",
      "where certificate, key and CA, or the profile, will lie on the source's machine (default: where they are here)",
    )
    .option(
      "--apply [dir]",
      "write the configuration into this directory instead of printing it (default: connect/NAME beside postern.yaml); overwrites nothing",
    )
    .option(
      "--wait <seconds>",
      "for the first event; 0: do not wait",
      wholeNumber("--wait", 0, 86_400),
      waitSeconds,
    )
    .option(
      "--profile <file>",
      "a reader's, to see the first event with (default: profiles/reader.yaml)",
    )
    .addOption(configOption().makeOptionMandatory(false))
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (source: string | undefined, flags: Flags) => {
      if (source === undefined) listRecipes(flags, io)
      else await connect(recipeNamed(source), flags, io)
    })
}

const examples = `
Said again, it issues nothing, and goes on waiting where an event has not come yet. Each source has a page in docs/start/connect.

Examples:
  postern connect
  postern connect rsyslog --config audit/postern.yaml
  postern connect rsyslog --config audit/postern.yaml --apply /etc/rsyslog.d
  postern connect vault --config audit/postern.yaml --address audit.example.com --directory /etc/postern`

function listRecipes(flags: Flags, io: CommandIo): void {
  if (flags.json) {
    const sources = recipes.map(({ name, title, way, adapters, proof }) => ({
      ...{ name, title, way, adapters, proof },
    }))
    return io.line(JSON.stringify({ sources }))
  }
  const rows = recipes.map(({ name, title, way }) => [name, title, way])
  io.line(formatTable(["source", "what", "way"], rows, { color: io.color }))
}

function recipeNamed(source: string): Recipe {
  const recipe = recipes.find(({ name }) => name === source)
  if (recipe !== undefined) return recipe
  const names = recipes.map(({ name }) => name).join(", ")
  throw new PosternError("USAGE", `"${source}" is no source that is known here: ${names}`)
}

async function connect(recipe: Recipe, flags: Flags, io: CommandIo): Promise<void> {
  if (flags.config === undefined) {
    throw new PosternError("USAGE", "required option '--config <file>' not specified")
  }
  const config = loadConfig(flags.config)
  const name = flags.name ?? recipe.name
  const address = profileAddress(config, recipe, flags.address)
  const said = address === undefined ? undefined : formatHostPort(address)
  const identity = await identityFor(config, recipe, name, said, io.now())
  const place = placeOf(config, recipe, name, identity, flags)
  if (recipe.needs === "pem") writePems(makeDirectoryOf(config, name), identity.profile)
  const rendering = recipe.render(place)
  const applied =
    flags.apply === undefined ? undefined : applyTo(flags.apply, config, name, rendering)
  const state = await takeOver(config, identity.isNew)
  if (!flags.json) io.line(formatConnection(recipe, place, rendering, applied))
  const warnings = warningsOf(config, recipe, place, flags)
  for (const text of [describeState(state), ...warnings]) io.note(`postern: ${text}`)
  const mayCome = state === "live" || state === "port" || state === "unknown"
  const waited = mayCome && flags.wait > 0 ? await waitFor(place, config, flags, io) : notWaited
  const { seen } = waited
  if (flags.json) io.line(JSON.stringify(inJson(recipe, place, rendering, applied, state, seen)))
  else if (seen !== undefined) io.line(`\n${describeEntry(seen, false)}`)
  if (waited.isLate) throw new Ending(exitCodes.failed)
}

/** An identity that was there needs no new list, if the service works by the one on disk: taking it over once more would be an entry. */
async function takeOver(config: Config, isNew: boolean): Promise<AccessState> {
  if (!isNew) {
    const inForce = await listInForce(config).catch(() => undefined) // applyAccess() says why.
    const { digest } = parseAccess(readTextFile(config.access))
    if (inForce?.digest === digest) return "live"
  }
  return applyAccess({ config })
}

/** Writes all files, or none: one that is there with another text is in the way. Gives the directory. */
function applyTo(apply: string | true, config: Config, name: string, { files }: Rendering): string {
  const directory = apply === true ? makeDirectoryOf(config, name) : resolve(apply)
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new PosternError("USAGE", `${directory} is not a directory`)
  }
  mkdirSync(directory, { recursive: true })
  const missing = files.filter((file) => {
    const path = join(directory, file.name)
    if (!existsSync(path)) return true
    if (readFileSync(path, "utf8") === file.text) return false
    throw new PosternError("ALREADY_EXISTS", path)
  })
  for (const file of missing) createFile(join(directory, file.name), file.text, file.mode ?? 0o644)
  return directory
}

function warningsOf(config: Config, recipe: Recipe, place: Place, flags: Flags): string[] {
  const { host, port } = recipe.usesSyslog === true ? place.syslog : place.write
  const warnings: string[] = []
  if (recipe.usesSyslog === true && config.listen.syslog === undefined) {
    const line = `syslog: ["${formatHostPort({ host: "127.0.0.1", port })}"]`
    warnings.push(
      `the syslog plane is off: add the line\n    ${line}\nbelow "listen:" in ${config.file}, with the address that sources reach, and restart the service`,
    )
  }
  if (recipe.needs === "pem" && !isNamed(config, host)) {
    warnings.push(
      `the server's certificate does not name ${host}, and most sources insist on that: say --address as it is named, or make one that does`,
    )
  }
  if (flags.address === undefined && /^(?:127\.|::1$|localhost$)/.test(host)) {
    warnings.push(`${host} is this machine only: for a source elsewhere say --address`)
  }
  if (flags.directory !== undefined) {
    const from =
      recipe.needs === "pem" ? directoryOf(config, place.name) : profilesDirectory(config)
    warnings.push(`copy what the source needs from ${from} to ${place.directory} on its machine`)
  }
  return warnings
}

interface Waited {
  readonly seen: ShownEntry | undefined
  readonly isLate: boolean
}

const notWaited: Waited = { seen: undefined, isLate: false }

async function waitFor(place: Place, config: Config, flags: Flags, io: CommandIo): Promise<Waited> {
  const profile = flags.profile ?? join(profilesDirectory(config), "reader.yaml")
  if (flags.profile === undefined && !existsSync(profile)) {
    io.note("postern: no reader's profile here, so nobody waits for the first event: say --profile")
    return notWaited
  }
  const end = new AbortController()
  const stop = () => end.abort("stopped")
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop)
  io.note(
    `postern: waiting for the first event of ${place.name}, at most ${flags.wait} s; Ctrl-C ends it`,
  )
  const startedMs = performance.now()
  const elapsed = () => Math.round((performance.now() - startedMs) / 1000)
  const progress = setInterval(() => io.note(`postern: nothing yet, ${elapsed()} s`), progressMs)
  const bound = setTimeout(() => end.abort("late"), flags.wait * 1000)
  const reader = openRememberingReader(profile, io)
  try {
    const seen = await firstEvent(reader, place.id, end.signal)
    if (seen !== undefined || end.signal.reason !== "late") return { seen, isLate: false }
  } finally {
    clearInterval(progress)
    clearTimeout(bound)
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop)
    reader.close()
  }
  io.note(`postern: nothing came within ${flags.wait} s; the same command goes on waiting`)
  io.note("postern: look at what the source says, and: postern search action:postern.refused")
  return { seen: undefined, isLate: true }
}

function inJson(
  recipe: Recipe,
  place: Place,
  rendering: Rendering,
  applied: string | undefined,
  state: string,
  seen: ShownEntry | undefined,
) {
  const entry =
    seen === undefined ? null : { index: seen.entry.index, verified: seen.proven !== undefined }
  return {
    ...{
      source: recipe.name,
      id: place.id,
      state,
      directory: place.directory,
      profile: place.profile,
    },
    ...{ applied: applied ?? null, ...rendering, entry },
  }
}
