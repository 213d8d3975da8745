import { makeFile, makeFork } from "../../packages/log/src/evidence/evidence-file.test.support.ts"
import { strangeKey, witnessOf } from "../../packages/log/src/evidence/evidence-log.test.support.ts"
import type { KeyProof } from "../../packages/log/src/evidence/index.ts"
import {
  type Key,
  KeyLog,
  keyA,
  keyB,
  keyC,
  rootKey,
} from "../../packages/log/src/evidence/key-log.test.support.ts"
import type { Chance } from "./mutations.ts"
import type { Question } from "./verifiers.ts"

const keys = [keyA, keyB, keyC, strangeKey]
const witness = witnessOf("witness.example/a", 21)

/** A log whose keys change in whatever way, by whomever, and somebody who pinned some of them. */
export async function randomKeyHistory(chance: Chance, seed: number): Promise<Question> {
  const log = new KeyLog()
  const proofs: KeyProof[] = []
  let inUse: Key = keyA
  for (let changes = chance.below(4); changes > 0; changes--) {
    const next = chance.below(6) === 0 ? chance.of(keys) : nextOf(inUse)
    const index = chance.below(3) === 0 ? log.retire(mostly(chance, keyA)) : await roll(next)
    log.grow(chance.below(3))
    const signers = distinct([next, ...(chance.below(5) > 0 ? [inUse] : []), ...rarely(chance)])
    const cosigned = chance.below(5) > 0 ? [witness] : []
    const proof = await log.proof(index, signers, cosigned)
    if (chance.below(10) > 0) proofs.push(chance.below(12) > 0 ? proof : bent(proof, chance))
    inUse = next
  }
  log.grow(1)
  const note = await log.note(distinct([inUse, ...rarely(chance)]), [witness])
  if (chance.below(12) === 0) proofs.reverse()
  const bytes = Buffer.from(await fileOf(note, proofs))
  return { name: `keys ${seed}`, bytes, policy: policyOf(chance) }

  async function roll(next: Key): Promise<number> {
    const by = chance.of([inUse, inUse, inUse, inUse, rootKey, rootKey, strangeKey])
    const certified = chance.below(10) > 0 ? next : chance.of(keys)
    const stolen = chance.below(by === rootKey ? 2 : 10) === 0
    const old = chance.below(8) > 0 ? inUse : chance.of(keys)
    return log.roll(old, next, { by, certified, reason: stolen ? "compromised" : "planned" })
  }

  async function fileOf(last: string, held: readonly KeyProof[]): Promise<Uint8Array> {
    if (chance.below(6) > 0) {
      return makeFile(log.log, { kind: "set", claim: {}, leaves: [1], note: last, keys: held })
    }
    const other = new KeyLog()
    while (other.size < log.size) other.retire(keyC)
    return makeFork(last, await other.note([chance.of(keys)]), held)
  }
}

function nextOf(key: Key): Key {
  return key === keyA ? keyB : keyC
}

function mostly(chance: Chance, key: Key): Key {
  return chance.below(4) > 0 ? key : chance.of(keys)
}

function rarely(chance: Chance): Key[] {
  return chance.below(6) === 0 ? [chance.of([...keys, rootKey])] : []
}

function distinct(some: readonly Key[]): Key[] {
  return [...new Set(some)]
}

function bent(proof: KeyProof, chance: Chance): KeyProof {
  return chance.of([
    { ...proof, index: proof.index + 1 },
    { ...proof, path: proof.path.slice(1) },
    { ...proof, path: [...proof.path, new Uint8Array(32)] },
    { ...proof, leaf: proof.leaf.slice(0, -1) },
  ])
}

function policyOf(chance: Chance): string {
  const pinned = distinct([chance.of([keyA, keyA, keyA, keyB, keyC]), ...rarely(chance)])
  if (chance.below(2) === 0) pinned.push(rootKey)
  const logs = distinct(pinned).map(({ vkey }) => `log ${vkey}\n`)
  const quorum = chance.below(2) === 0
  const rest = quorum ? `witness a ${witness.witnessVkey}\nquorum a\n` : "quorum none\n"
  return `${logs.join("")}${rest}`
}
