/**
 * What a person wrote in YAML, read strictly: every error names the line and the field. Owns
 * postern.yaml and the reading of files that say who we are. Never writes, never opens a socket,
 * keeps nothing.
 */
export { formatHostPort, type HostPort, isHostName, parseHostPort } from "./address.ts"
export { type AddressScope, type ExposedScope, scopeOf } from "./address-scope.ts"
export {
  type Config,
  type DataDirectories,
  dataDirectories,
  needsCourier,
  originPattern,
  parseConfig,
} from "./config.ts"
export { withholdMemory } from "./core-dumps.ts"
export { type DocumentKind, formatPath, type ReadDocument, readDocument } from "./document.ts"
export { accessFile, loadConfig, policyFile, readSecretFile, readTextFile } from "./files.ts"
