import { type Config, loadConfig } from "../config/index.ts"
import { openSegmentKeys } from "../disclosures/index.ts"
import { lendSegmentKeys } from "../disk/index.ts"

/** postern.yaml, for a command that reads its log: this process opens what is encrypted there from now on. Errors: CONFIG_INVALID. */
export function loadInstallation(file: string): Config {
  const config = loadConfig(file)
  openEncryptedOf(config)
  return config
}

/** A watch loads its configuration again and again. */
const lent = new Set<string>()

/** From now on this process opens what is encrypted under the keys of an installation. */
export function openEncryptedOf({ sealing }: Pick<Config, "sealing">): void {
  if (lent.has(sealing)) return
  lent.add(sealing)
  lendSegmentKeys(openSegmentKeys(sealing))
}
