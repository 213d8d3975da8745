/**
 * The log key over time, as its operator changes it (docs/spec/keys.md): makes keys and certificates, names them in postern.yaml,
 * destroys what is retired. The port carries a change out at its next start. Never opens the log for writing, never asks a port.
 */
export { type ConfigChange, changeConfigText } from "./config-change.ts"
export { everyLogKey, type KeyReport, type ReportedKey, reportKeys } from "./key-report.ts"
export { type Retirement, retireLogKey } from "./retirement.ts"
export { createRootKey, nameRootKey } from "./root-key.ts"
export { type Rotation, rotateLogKey } from "./rotation.ts"
