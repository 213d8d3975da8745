import { spawn } from "node:child_process"

/**
 * Shows an address in the person's browser, if there is one to show it in. Says nothing if not: the address was printed, too.
 * The link is seen by whoever may list this user's processes for a moment; it works once, and the browser is there first.
 */
export function openBrowser(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const opener = openerOf(env)
  if (opener === undefined) return
  const child = spawn(opener, [address], { stdio: "ignore", detached: true })
  child.on("error", () => undefined)
  child.unref()
}

/** Without a display there is nothing to open: some openers would start a browser in the terminal. */
function openerOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (process.platform === "darwin") return "open"
  const display = env.DISPLAY ?? env.WAYLAND_DISPLAY
  return process.platform === "linux" && display !== undefined && display !== ""
    ? "xdg-open"
    : undefined
}
