import { loadProfile } from "@postern/client"
import { isPosternError } from "@postern/log/base"
import { readTextFile } from "../config/index.ts"
import { formatOf } from "./open-source.ts"
import type { SettingsAnswer } from "./read-settings.ts"
import { parseAgentSettings } from "./settings/index.ts"

/**
 * `node settings-process.js AGENT.YAML` writes what the file says, or what is wrong with it, as JSON: also what only shows when the files
 * that it names are read. See read-settings.ts.
 */
async function answer(file: string): Promise<SettingsAnswer> {
  try {
    const settings = parseAgentSettings(readTextFile(file), file)
    for (const source of settings.sources) await formatOf(source)
    loadProfile(settings.profile)
    return { settings }
  } catch (error) {
    if (!isPosternError(error)) throw error
    const { code, detail } = error
    return { problem: { code, detail } }
  }
}

const [file = ""] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await answer(file)))
