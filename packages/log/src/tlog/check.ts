import { equalBytes } from "../base/index.ts"
import { demandProof } from "./demand.ts"
import { emptyRoot, hashBytes, nodeHash } from "./hash.ts"

/**
 * Checks an audit path (RFC 9162 §2.1.3.2): entry `index` of the tree of `size` entries with this
 * root has this leaf hash. Every argument may come from an enemy, but the root must come from a
 * checkpoint that was opened.
 * @throws PosternError PROOF_INVALID
 */
export function checkInclusion(
  index: number,
  size: number,
  leafHash: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  const integers = Number.isSafeInteger(index) && Number.isSafeInteger(size)
  demandProof(integers && index >= 0 && index < size, `no entry ${index} in a tree of ${size}`)
  demandHash(leafHash, "leaf hash")
  demandHash(root, "root")
  let at = index
  let last = size - 1
  let hash = leafHash
  for (const [i, step] of proof.entries()) {
    demandProof(last > 0, `the proof has ${proof.length} hashes, ${i} are enough`)
    demandHash(step, `proof hash ${i}`)
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(step, hash)
      while (at % 2 === 0 && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else {
      hash = nodeHash(hash, step)
    }
    at = half(at)
    last = half(last)
  }
  demandProof(last === 0, `a proof of ${proof.length} hashes is too short`)
  demandProof(equalBytes(hash, root), `entry ${index} is not in the tree of ${size} with this root`)
}

/**
 * Checks a consistency proof (RFC 9162 §2.1.4.2): the tree of `n` entries with root `rootN` begins
 * with the tree of `m` entries with root `rootM`. The empty tree (m = 0) begins every tree; its
 * root must be that of the empty tree.
 * @throws PosternError PROOF_INVALID
 */
export function checkConsistency(
  m: number,
  n: number,
  proof: readonly Uint8Array[],
  rootM: Uint8Array,
  rootN: Uint8Array,
): void {
  const integers = Number.isSafeInteger(m) && Number.isSafeInteger(n)
  demandProof(integers && m >= 0 && m <= n, `a tree of ${n} does not begin with one of ${m}`)
  demandHash(rootM, "old root")
  demandHash(rootN, "new root")
  demandProof(m > 0 || equalBytes(rootM, emptyRoot), "the old root is not that of the empty tree")
  if (m === n) demandProof(equalBytes(rootM, rootN), `two roots for one size, ${m}`)
  if (m === 0 || m === n) {
    demandProof(proof.length === 0, "a proof where none is needed")
    return
  }
  foldConsistency(m, n, proof, rootM, rootN)
}

function foldConsistency(
  m: number,
  n: number,
  proof: readonly Uint8Array[],
  rootM: Uint8Array,
  rootN: Uint8Array,
): void {
  let at = m - 1
  let last = n - 1
  while (at % 2 === 1) {
    at = half(at)
    last = half(last)
  }
  // An old tree that is one full node is its own first hash; the proof leaves it out.
  const steps = at === 0 ? [rootM, ...proof] : proof
  const [first, ...rest] = steps
  demandProof(first !== undefined && proof.length > 0, "the proof is empty")
  demandHash(first, "proof hash 0")
  let old = first
  let all = first
  for (const step of rest) {
    demandProof(last > 0, `a proof of ${proof.length} hashes is too long`)
    demandHash(step, "proof hash")
    if (at % 2 === 1 || at === last) {
      old = nodeHash(step, old)
      all = nodeHash(step, all)
      while (at % 2 === 0 && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else {
      all = nodeHash(all, step)
    }
    at = half(at)
    last = half(last)
  }
  demandProof(last === 0, `a proof of ${proof.length} hashes is too short`)
  demandProof(equalBytes(old, rootM), `the proof does not lead to the root of ${m}`)
  demandProof(equalBytes(all, rootN), `the proof does not lead to the root of ${n}`)
}

/** Not `>> 1`: sizes go beyond 32 bits. */
function half(n: number): number {
  return Math.floor(n / 2)
}

function demandHash(hash: Uint8Array, what: string): void {
  demandProof(hash.length === hashBytes, `${what} has ${hash.length} bytes, not ${hashBytes}`)
}
