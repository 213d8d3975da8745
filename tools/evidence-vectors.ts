/**
 * Writes docs/spec/vectors/evidence: evidence files, good and bad, with the verdict of each in index.json. For every
 * verifier of the format, in whatever language. A test compares what is checked in with what would be written.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeVectors } from "../packages/log/src/evidence/evidence-vectors.test.support.ts"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const directory = join(root, "docs/spec/vectors/evidence")
const { policies, files, vectors } = await makeVectors()
rmSync(directory, { recursive: true, force: true })
mkdirSync(directory, { recursive: true })
for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes)
writeFileSync(
  join(directory, "index.json"),
  `${JSON.stringify({ policies, files: vectors }, null, 2)}\n`,
)
console.log(`${files.size} files, ${vectors.length} verdicts`)
