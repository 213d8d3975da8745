import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { formatBase64 } from "@postern/log/base"
import { leafHash, rangeRoot } from "@postern/log/tlog"
import { followLog } from "../../../packages/server/dist/disk/index.js"

/** Sizes and roots that the port signed or was about to sign, as its files say at one moment. */
export function readSigned(log: string): Map<number, string> {
  const signed = new Map<number, string>()
  const read = (name: string): string => {
    return existsSync(join(log, name)) ? readFileSync(join(log, name), "utf8") : ""
  }
  const [, size, root] = read("checkpoint").split("\n")
  if (root !== undefined) signed.set(Number(size), root)
  const last = read("last-signed")
  if (last !== "") {
    const { size: lastSize, root: lastRoot } = JSON.parse(last) as { size: number; root: string }
    signed.set(lastSize, lastRoot)
  }
  return signed
}

/** Which of them the log, as it stands now, does not lead to. */
export async function rootFaults(
  log: string,
  signed: ReadonlyMap<number, string>,
): Promise<string[]> {
  const view = await followLog(log)
  try {
    const { size } = view.head()
    const hashes: Uint8Array[] = []
    while (hashes.length < size) {
      const leaves = await view.leaves(hashes.length, size, 8 * 1024 * 1024)
      hashes.push(...leaves.map(leafHash))
    }
    const faults: string[] = []
    for (const [at, root] of signed) {
      if (at === 0) continue
      const now =
        at > size ? "nothing" : formatBase64(rangeRoot(0, Buffer.concat(hashes.slice(0, at))))
      if (now !== root) faults.push(`the root at ${at} was ${root}, is ${now}`)
    }
    return faults
  } finally {
    await view.close()
  }
}
