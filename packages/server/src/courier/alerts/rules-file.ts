import { existsSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import { type AlertRules, parseAlerts } from "../../alerts/index.ts"
import { readTextFile } from "../../config/index.ts"
import { replaceFile } from "../../disk/index.ts"
import { readWebhookSecret } from "./webhook-wire.ts"

/** What came of a look at alerts.yaml. */
export type RulesNews =
  | { readonly rules: AlertRules }
  /** It is not acceptable: what was in force still is. */
  | { readonly refused: PosternError }

export interface RulesFile {
  /** Undefined if the file is the one that was looked at last. */
  look(): Promise<RulesNews | undefined>
  /** What was in force at the end of an earlier life; undefined if there is nothing. */
  kept(): AlertRules | undefined
}

/**
 * Follows a file that people edit.
 * @param keep where the text in force is kept, so that a start with a bad file changes nothing either
 */
export function followRules(file: string, keep: string): RulesFile {
  let seen: string | undefined
  return {
    async look() {
      const outside = outsideOf(file)
      if (outside === seen) return undefined
      seen = outside
      try {
        const text = readTextFile(file)
        const rules = readRules(text, file)
        await replaceFile(keep, text)
        return { rules }
      } catch (error) {
        if (isPosternError(error)) return { refused: error }
        throw error
      }
    },
    kept() {
      if (!existsSync(keep)) return undefined
      return withPaths(parseAlerts(readTextFile(keep)), file)
    },
  }
}

/** Errors: ALERTS_INVALID, also for a secret or a CA that cannot be used. */
function readRules(text: string, file: string): AlertRules {
  const rules = withPaths(parseAlerts(text), file)
  for (const { name, secret, ca } of rules.webhooks) {
    try {
      if (secret !== undefined) readWebhookSecret(secret)
      if (ca !== undefined) readTextFile(ca)
    } catch (error) {
      if (!isPosternError(error)) throw error
      throw new PosternError("ALERTS_INVALID", `webhook ${name}: ${error.detail ?? error.message}`)
    }
  }
  return rules
}

/** Relative paths are taken from the directory of the file. */
function withPaths(rules: AlertRules, file: string): AlertRules {
  const from = (path: string | undefined) => {
    return path === undefined || path.startsWith("credential:")
      ? path
      : resolve(dirname(file), path)
  }
  const webhooks = rules.webhooks.map(({ secret, ca, ...webhook }) => ({
    ...webhook,
    ...(secret === undefined ? {} : { secret: from(secret) as string }),
    ...(ca === undefined ? {} : { ca: from(ca) as string }),
  }))
  return { ...rules, webhooks }
}

/** Changes whenever the file does. */
function outsideOf(file: string): string {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false })
  return `${stat?.ino} ${stat?.size} ${stat?.mtimeNs}`
}
