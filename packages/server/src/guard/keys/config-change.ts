import { isDeepStrictEqual } from "node:util"
import { PosternError } from "@postern/log/base"
import { type Config, parseConfig } from "../../config/index.ts"

/** What becomes of the lines about the log key: a text, no line, or (not given) what it was. */
export interface ConfigChange {
  readonly logKey?: string
  readonly retiringLogKey?: string | undefined
  readonly logKeyCertificate?: string | undefined
  readonly rootVkey?: string
}

/**
 * The text of postern.yaml with these lines changed; every other byte stays, comments behind a value too.
 * @throws PosternError CONFIG_INVALID if the lines cannot be found as a person or \`postern init\` writes them: one each, below \`pki:\`
 */
export function changeConfigText(text: string, config: Config, change: ConfigChange): string {
  let changed = text
  for (const key of ["logKeyCertificate", "retiringLogKey"] as const) {
    if (key in change) changed = setLine(changed, key, change[key])
  }
  if (change.logKey !== undefined) changed = setLine(changed, "logKey", change.logKey)
  const { rootVkey } = change
  if (rootVkey !== undefined && config.rootVkey !== rootVkey) {
    const line = `rootVkey: ${JSON.stringify(rootVkey)}\n`
    changed = changed.replace(/^origin:[^\n]*\n/m, (origin) => `${origin}${line}`)
  }
  demandJustThis(changed, config, change)
  return changed
}

function setLine(text: string, key: string, value: string | undefined): string {
  const line = new RegExp(`^( +)${key}:[ \\t]+[^#\\n]*?([ \\t]+#[^\\n]*)?\\n`, "m")
  if (value === undefined) return text.replace(line, "")
  const found = line.exec(text)
  if (found !== null) {
    const [, indent = "", comment = ""] = found
    return text.replace(line, () => `${indent}${key}: ${scalar(value)}${comment}\n`)
  }
  // Behind the log key: a key of before and a certificate stand beside it.
  return text.replace(/^( +)logKey:[^\n]*\n/m, (before, indent: string) => {
    return `${before}${indent}${key}: ${scalar(value)}\n`
  })
}

function scalar(value: string): string {
  return /^[A-Za-z0-9./][A-Za-z0-9._/-]*$/.test(value) ? value : JSON.stringify(value)
}

/** The lines were put where they belong, and nothing else became another. */
function demandJustThis(text: string, config: Config, change: ConfigChange): void {
  const before = JSON.parse(JSON.stringify(config)) as Config
  const after = JSON.parse(JSON.stringify(parseConfig(text, config.file))) as Config
  const { logKey, retiringLogKey, logKeyCertificate, ...pki } = { ...before.pki, ...change }
  const wanted = parseConfig(text, config.file).pki
  const same =
    isDeepStrictEqual(strip(before), strip(after)) &&
    (wanted.logKey !== undefined) === (logKey !== undefined) &&
    (wanted.retiringLogKey !== undefined) === (retiringLogKey !== undefined) &&
    (wanted.logKeyCertificate !== undefined) === (logKeyCertificate !== undefined) &&
    (pki.rootVkey === undefined || after.rootVkey === pki.rootVkey)
  if (same) return
  const detail = `${config.file}: the lines about the log key are not written one each below pki:`
  throw new PosternError("CONFIG_INVALID", detail)
}

function strip({ pki, rootVkey, ...rest }: Config): unknown {
  const { logKey, retiringLogKey, logKeyCertificate, ...others } = pki
  return { ...rest, pki: others }
}
