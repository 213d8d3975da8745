import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { type Browser, chromium } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
const macPath = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

/** A Chromium of this machine; nothing is downloaded. `CHROMIUM=/path` names another. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter)
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)))
  const named = process.env.CHROMIUM === undefined ? [] : [process.env.CHROMIUM]
  return [...named, ...candidates, macPath].find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // That is the answer.
  }
}

export function startChromium(executablePath: string): Promise<Browser> {
  // Chromium's own sandbox does not start for root, who runs CI; the page is ours and the network is watched.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : []
  return chromium.launch({ executablePath, args })
}
