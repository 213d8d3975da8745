import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { PosternError } from "@postern/log/base"
import type { Config } from "../../config/index.ts"
import { processCommand } from "../../supervisor/index.ts"
import { accountsText, directoriesText } from "./accounts.ts"
import { type CommandOf, makeUnits } from "./units.ts"

const mark = "# Made by `postern install --systemd`, which writes it anew: change it by a drop-in."

export interface InstalledFile {
  readonly path: string
  readonly state: "new" | "changed" | "same"
}

/**
 * Writes units, users and directories for an installation below `prefix`. What it wrote before is replaced.
 * @throws PosternError CONFIG_INVALID · ALREADY_EXISTS if one of the files is somebody else's; then nothing was written
 */
export function installSystemd(
  config: Config,
  prefix = "/",
  commandOf: CommandOf = processCommand,
  postern: readonly string[] = posternCommand(),
): InstalledFile[] {
  const etc = resolve(prefix, "etc")
  const files = [
    ...makeUnits(config, commandOf, postern).map(({ name, text }) => ({
      path: join(etc, "systemd/system", name),
      text,
    })),
    { path: join(etc, "sysusers.d/postern.conf"), text: accountsText() },
    { path: join(etc, "tmpfiles.d/postern.conf"), text: directoriesText(config) },
  ].map(({ path, text }) => ({ path, text: `${mark}\n${text}`, before: readOwn(path) }))
  return files.map(({ path, text, before }) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { mode: 0o644 })
    const state = before === undefined ? "new" : before === text ? "same" : "changed"
    return { path, state }
  })
}

function posternCommand(): readonly string[] {
  return [process.execPath, fileURLToPath(new URL("../../../bin/postern.cjs", import.meta.url))]
}

function readOwn(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, "utf8")
  if (text.startsWith(mark)) return text
  throw new PosternError("ALREADY_EXISTS", `${path} was not made by this command`)
}
