/** A witness process that dies by SIGKILL when it is about to sign: what it decided is persisted, nobody was told. */
import { text } from "node:stream/consumers"
import { openWitness, openWitnessDirectory } from "./index.ts"

const directory = openWitnessDirectory(process.argv[2] ?? "")
const signer = {
  ...directory.signer,
  sign: (): Uint8Array => {
    process.kill(process.pid, "SIGKILL")
    throw new Error("unreachable")
  },
}
const witness = openWitness(
  { ...directory, signer },
  { now: () => Date.now(), tell: () => undefined, keepEvidence: async () => undefined },
)
const answer = await witness.addCheckpoint(await text(process.stdin))
process.stdout.write(JSON.stringify(answer))
