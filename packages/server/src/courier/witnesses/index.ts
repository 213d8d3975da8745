/**
 * The log's side of C2SP tlog-witness: asks a witness to cosign a checkpoint, finds out from which
 * size on it wants a proof, and tells what it said. Believes nothing of it and checks no
 * cosignature: that is the port's part. Never holds a key, never writes a file; the network and the
 * log come in as arguments.
 */
export { type AskedCheckpoint, type AskWorld, askWitness, type WitnessWord } from "./asking.ts"
export { type Exchange, openExchange, type WireAnswer } from "./exchange.ts"
export { afterWord, isDue, newPace, type Pace } from "./pace.ts"
