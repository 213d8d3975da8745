/**
 * The keys that sign, over time, as their operator changes them (docs/spec/keys.md): makes keys and certificates, names them in
 * postern.yaml, destroys what is retired, says how old they are. The port carries a change out at its next start. Never opens the log for writing, never asks a port.
 */
export { type ConfigChange, changeConfigText } from "./config-change.ts"
export { rotateMacKey } from "./hmac-key.ts"
export { type KeyAge, keyDaysMax, listKeyAges } from "./key-age.ts"
export { everyLogKey, type KeyReport, type ReportedKey, reportKeys } from "./key-report.ts"
export { type ReceiptRotation, rotateReceiptKey } from "./receipt-key.ts"
export { type Retirement, retireLogKey } from "./retirement.ts"
export { createRootKey, nameRootKey } from "./root-key.ts"
export { type Rotation, rotateLogKey } from "./rotation.ts"
export { rotateSaltKey, type SaltRotation } from "./salt-key.ts"
export { rotateSegmentKey } from "./segment-key.ts"
export type { SeriesRotation } from "./series-rotation.ts"
