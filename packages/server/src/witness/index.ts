/**
 * A witness (C2SP tlog-witness): it remembers one tree head for each log that it was told of, and
 * cosigns a newer one only if the log proves that nothing before it was changed. So a log that
 * wants to show two histories needs this witness's key as well. It runs on a machine and under an
 * organisation of its own, with its own key and state; it never reads a log, never opens a
 * connection, never sees an entry, and trusts nobody who asks: a request is believed for the
 * signature in it. What it cosigned is on its disk before anybody hears of it. A witness that lost
 * its state must not go on: it could cosign a second history.
 */
export { evidenceStore } from "./evidence-store.ts"
export { type ListenOptions, listenWitness, type WitnessListener } from "./http-server.ts"
export { type Answer, judge, type Known, readSubmission, type WitnessedLog } from "./judgement.ts"
export { openWitness, type Witness, type WitnessWorld } from "./witness.ts"
export {
  addWitnessedLog,
  initWitness,
  type OpenedDirectory,
  openWitnessDirectory,
  originHash,
} from "./witness-directory.ts"
