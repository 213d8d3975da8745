import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Results } from "../interop/results.ts"
import type { Stage } from "./stage.ts"

/** What of a unit decides how it is confined. */
export interface Confining {
  all(key: string): string[]
  one(key: string): string
}

/** Programmes that confine, and that ask for too much; copied to where every user can read them. */
export const confiners = ["confine.py", "refused.py"] as const

/**
 * ProtectSystem=strict: everything is read-only in a mount namespace of its own, but for ReadWritePaths, /dev, /proc and /sys;
 * PrivateTmp: nobody else's /tmp.
 */
export function protectedSystem(unit: Confining): string[] {
  const script = `set -e; for path in $1; do mount --bind "$path" "$path"; done
    awk '{ print $5 }' /proc/self/mountinfo | while read -r at; do
      case "$at" in /dev*|/proc*|/sys*) continue;; esac
      for path in $1; do case "$at" in "$path"*) continue 2;; esac; done
      mount -o remount,bind,ro "$at" 2>/dev/null || test ! -e "$at"
    done; mount -t tmpfs tmpfs /tmp; shift; exec "$@"`
  return ["unshare", "--mount", "sh", "-c", script, "sh", unit.one("ReadWritePaths")]
}

/** SystemCallFilter: what the unit lets through, by a filter in the kernel. */
export function confined(stage: Stage, unit: Confining): string[] {
  const program = ["python3", join(stage.directory, confiners[0])]
  return [...program, ...unit.all("SystemCallFilter"), "--"]
}

/** CapabilityBoundingSet, and AmbientCapabilities, which are all that a user without rights of its own has; as setpriv takes them. */
export function bounded(unit: Confining): string[] {
  const kept = (key: string): string => {
    const names = unit.one(key).split(" ").filter(Boolean)
    return ["-all", ...names.map((name) => `+${name.replace("CAP_", "").toLowerCase()}`)].join(",")
  }
  const ambient = kept("AmbientCapabilities")
  return [
    ...["--no-new-privs", `--bounding-set=${kept("CapabilityBoundingSet")}`],
    ...[`--inh-caps=${ambient}`, `--ambient-caps=${ambient}`],
  ]
}

/** The watch may list rules and look at everything, as its user; it changes nothing, and sees into no process. */
export function checkWatchConfined(
  { stage, unit, audit, rights }: Confinement,
  results: Results,
): void {
  const [command = "", ...before] = [
    ...protectedSystem(unit),
    ...["setpriv", ...rights, ...bounded(unit)],
    ...confined(stage, unit),
  ]
  const ask = (...asked: string[]) => stage.run(command, [...before, ...asked])
  const rules = ask("sh", "-c", "nft list ruleset && iptables-save")
  results.check(rules.code === 0, "the watch lists rules", rules.text)
  const own = join(audit, "data/state/watch/mark")
  results.check(ask("touch", own).code === 0, "it writes in its own directory")
  rmSync(own, { force: true })
  const forbidden = [
    ...[join(stage.directory, "mark"), join(audit, "access.yaml"), join(audit, "data/log/mark")],
    ...[join(audit, "data/state/firewall.json"), join(audit, "data/state/mark")],
  ].map((path) => ["touch", path])
  const also = [
    ["mount", "-t", "tmpfs", "tmpfs", "/mnt"],
    ["unshare", "--net", "true"],
    ["readlink", "/proc/1/fd/0"],
    ["sh", "-c", "kill -0 1"],
  ]
  const done = [...forbidden, ...also].filter((asked) => ask(...asked).code === 0)
  const what = "it mounts nothing, has no namespace, sees into no process and writes nowhere else"
  results.check(done.length === 0, what, done.map((asked) => asked.join(" ")).join("; "))
}

/**
 * What the same confinement says to a process that wants more.
 * @param rights of the unit's user, as setpriv takes them
 */
export function checkConfined({ stage, unit, audit, rights }: Confinement, results: Results): void {
  const log = join(audit, "data/log")
  const asked = [log, audit, "/etc", "/var/lib", stage.directory]
  const [command = "", ...args] = [
    ...protectedSystem(unit),
    ...["setpriv", ...rights, ...bounded(unit)],
    ...confined(stage, unit),
    ...["python3", join(stage.directory, confiners[1]), ...asked],
  ]
  const ran = stage.run(command, args)
  const said = JSON.parse(ran.code === 0 ? ran.text : "{}") as Record<string, string>
  const allowed = ["ptrace", "mount", "reboot", "swapon"].filter((name) => said[name] !== "EPERM")
  results.check(allowed.length === 0, "the system call filter refuses what it should", ran.text)
  results.check(said[log] === "let", "the port may write into the log", ran.text)
  const written = asked.slice(1).filter((path) => said[path] !== "EROFS")
  results.check(written.length === 0, "and everything else is read-only to it", ran.text)
}

export interface Confinement {
  readonly stage: Stage
  readonly unit: Confining
  readonly audit: string
  readonly rights: readonly string[]
}
