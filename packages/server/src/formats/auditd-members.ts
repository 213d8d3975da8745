import type { JsonObject, Outcome } from "@postern/log/event"
import type { ForeignMembers, Party } from "./api.ts"
import type { AuditRecord } from "./auditd-fields.ts"
import { syscallName } from "./linux-syscalls.ts"
import { said, textOf, unknownActor } from "./members.ts"
import { actionOf, clipText, listMax } from "./texts.ts"
import { timeOfMs } from "./times.ts"

/** Of the records of one serial, at least one. */
export function membersOfAudit(records: readonly AuditRecord[]): ForeignMembers {
  const main = (records.find(({ type }) => type === "SYSCALL") ?? records[0]) as AuditRecord
  const { stamp, serial, node } = main
  const time = timeOfMs(Number(stamp) * 1000)
  const origin = originOf(main)
  const data = dataOf(main, records)
  return {
    id: `${node === undefined ? "" : `${node}/`}${stamp}:${serial}`,
    ...(time === undefined ? {} : { time }),
    action: actionName(main, records),
    outcome: outcomeOf(records),
    actor: actorOf(main),
    targets: targetsOf(main, records),
    ...(origin === undefined ? {} : { origin }),
    data: { auditd: data },
  }
}

/** The call for a system call, else the record's type. */
function actionName(main: AuditRecord, records: readonly AuditRecord[]): string {
  if (main.type !== "SYSCALL") return actionOf("linux", main.type)
  if (records.some(({ type }) => type === "EXECVE")) return "linux.execve"
  const call = main.names.get("SYSCALL") ?? callOf(main) ?? "unknown"
  return /^\d+$/.test(call) ? `linux.syscall.${call}` : actionOf("linux", call)
}

function callOf({ fields }: AuditRecord): string | undefined {
  const call = fields.get("syscall")
  return call === undefined ? undefined : syscallName(fields.get("arch"), call)
}

const permissionErrors = new Set(["-1", "-13", "EPERM", "EACCES"])
const succeeded = new Set(["yes", "success", "1"])
const failed = new Set(["no", "failed", "0"])

function outcomeOf(records: readonly AuditRecord[]): Outcome {
  for (const { fields, type } of records) {
    const result = fields.get("success") ?? fields.get("res")
    // A record of a mandatory access control names no result in this way; its call does.
    if (result === undefined || type === "AVC") continue
    if (succeeded.has(result)) return "success"
    if (!failed.has(result)) continue
    return permissionErrors.has(fields.get("exit") ?? "") ? "denied" : "failure"
  }
  return "unknown"
}

/** What an unset login uid is written as. */
const unset = new Set(["4294967295", "-1", "unset"])

/** Whoever logged in; for what runs without a login, the user that it runs as. */
function actorOf({ fields, names }: AuditRecord): Party {
  const login = fields.get("auid")
  const user = fields.get("uid")
  if (login !== undefined && !unset.has(login)) return userOf(login, names.get("AUID"), "user")
  return user === undefined || unset.has(user)
    ? unknownActor
    : userOf(user, names.get("UID"), "system")
}

function userOf(number: string, name: string | undefined, type: string): Party {
  const known = textOf(name)
  if (known === undefined || known === "unknown" || /^unknown\(/.test(known))
    return { type, id: clipText(number) }
  return { type, id: known, uid: clipText(number) }
}

function targetsOf(main: AuditRecord, records: readonly AuditRecord[]): Party[] {
  const targets: Party[] = []
  const cwd = records.find(({ type }) => type === "CWD")?.fields.get("cwd")
  for (const { type, fields } of records) {
    const name = textOf(fields.get("name"))
    if (type !== "PATH" || name === undefined || name === "(null)") continue
    if (fields.get("nametype") === "PARENT" || targets.length === listMax) continue
    const id = name.startsWith("/") || cwd === undefined ? name : joined(cwd, name)
    targets.push({ type: "file", id, ...said({ nametype: textOf(fields.get("nametype")) }) })
  }
  if (targets.length > 0 || main.type === "SYSCALL") return targets
  const named = (type: string, key: string): Party[] => {
    const id = textOf(main.fields.get(key))
    return id === undefined || id === "?" ? [] : [{ type, id }]
  }
  return [...named("service", "unit"), ...named("user", "acct"), ...named("command", "cmd")]
}

function joined(cwd: string, name: string): string {
  return clipText(`${cwd === "/" ? "" : cwd}/${name.replace(/^\.\//, "")}`)
}

function originOf({ fields, node }: AuditRecord): JsonObject | undefined {
  const value = (key: string): string | undefined => {
    const text = textOf(fields.get(key))
    return text === "?" || text === "(none)" || text === "(null)" ? undefined : text
  }
  return said({
    host: textOf(node) ?? value("hostname"),
    ip: value("addr"),
    terminal: value("terminal") ?? value("tty"),
  })
}

const argumentsMax = 64

function dataOf(main: AuditRecord, records: readonly AuditRecord[]): JsonObject {
  const { fields, names, serial } = main
  const number = (key: string): string | undefined => textOf(fields.get(key))
  const title = records.find(({ type }) => type === "PROCTITLE")?.fields.get("proctitle")
  const call = main.type === "SYSCALL" ? (names.get("SYSCALL") ?? callOf(main)) : undefined
  const key = textOf(fields.get("key"))
  return {
    serial,
    types: [...new Set(records.map(({ type }) => type))].slice(0, listMax),
    ...said({
      syscall: textOf(call),
      exit: number("exit"),
      key: key === "(null)" ? undefined : key,
      comm: number("comm"),
      exe: number("exe"),
      op: number("op"),
      pid: number("pid"),
      ppid: number("ppid"),
      uid: number("uid"),
      euid: number("euid"),
      session: unset.has(fields.get("ses") ?? "") ? undefined : number("ses"),
      command: commandOf(records) ?? textOf(title),
    }),
  }
}

/** The arguments of an execve, the first ones of very many, as one text. */
function commandOf(records: readonly AuditRecord[]): string | undefined {
  const execve = records.find(({ type }) => type === "EXECVE")?.fields
  if (execve === undefined) return undefined
  const words: string[] = []
  for (let i = 0; i < argumentsMax; i++) {
    const word = execve.get(`a${i}`)
    if (word === undefined) break
    words.push(word)
  }
  return textOf(words.join(" "))
}
