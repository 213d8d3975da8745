import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { type Report, verifyDirectory } from "../../packages/server/dist/guard/verify/index.js"
import { openSimulatedSigner } from "./signer.ts"
import type { SimulatedDisk } from "./simulated-disk.ts"

/** `postern verify` over the log as it stands on the simulated disk, copied to a real one. */
export async function verifyImage(disk: SimulatedDisk, logPath: string): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), "postern-sim-"))
  try {
    for (const [path, file] of disk.root.files()) {
      const target = join(directory, path)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, file.seen)
    }
    const { vkey } = await openSimulatedSigner(() => undefined)
    return await verifyDirectory(join(directory, logPath), { full: true, vkey })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What a verification found, in a line. */
export function findingsOf({ findings, checks }: Report): string {
  const found = findings.map(({ code, where, what }) => `${code} ${where} ${what}`)
  const open = checks
    .filter(({ status }) => status !== "ok")
    .map(({ name, status }) => `${name}: ${status}`)
  return [...found.slice(0, 3), ...open].join("; ")
}
