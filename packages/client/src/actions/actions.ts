import type { Outcome, TargetInput } from "@postern/log/event"
import type { Details, WriteEvent } from "../writer/index.ts"

/** The rest of an event whose targets are said already. */
export type Described = Omit<Details, "target" | "targets">

/** How the common actions are classified; what a caller says besides counts more. */
interface Kind {
  readonly verb: string
  readonly category: "access" | "admin" | "auth" | "config" | "data"
  readonly op:
    | "create"
    | "delete"
    | "execute"
    | "grant"
    | "login"
    | "logout"
    | "other"
    | "read"
    | "revoke"
    | "update"
  readonly severity: "info" | "low" | "medium"
  readonly outcome: Outcome
}

/** Verbs are those by which the port knows the class of an event (docs/spec/policy.md, Classes). */
export const kinds = {
  login: kind("login", "auth", "login", "info", "success"),
  loginFailed: kind("login", "auth", "login", "low", "failure"),
  logout: kind("logout", "auth", "logout", "info", "success"),
  accessDenied: kind("access", "access", "other", "medium", "denied"),
  created: kind("create", "data", "create", "info", "success"),
  read: kind("read", "access", "read", "info", "success"),
  updated: kind("update", "data", "update", "info", "success"),
  deleted: kind("delete", "data", "delete", "low", "success"),
  exported: kind("export", "access", "read", "medium", "success"),
  granted: kind("grant", "admin", "grant", "medium", "success"),
  revoked: kind("revoke", "admin", "revoke", "medium", "success"),
  configChanged: kind("config.update", "config", "update", "medium", "success"),
  keyUsed: kind("key.use", "access", "execute", "low", "success"),
} as const

function kind(
  verb: string,
  category: Kind["category"],
  op: Kind["op"],
  severity: Kind["severity"],
  outcome: Outcome,
): Kind {
  return { verb, category, op, severity, outcome }
}

/**
 * Each writes one event and returns as audit() does: its id, or "" for one that was not taken. They speak of what has happened, so the outcome is
 * `success` unless the name or the details say otherwise. `"invoice/4711"` makes the action `invoice.create`, `invoice.read` and so on.
 */
export interface Actions {
  /** `user.login`: the actor proved who he is. */
  login(details?: Details): string
  /** `user.login`, outcome failure. The actor is who it claimed to be, or `{ type: "anonymous", id: "anonymous" }`. */
  loginFailed(details?: Details): string
  /** `user.logout` */
  logout(details?: Details): string
  /** `TYPE.access`, outcome denied; `op` in the details says what was tried. */
  accessDenied(target: TargetInput, details?: Described): string
  /** `TYPE.create` */
  created(target: TargetInput, details?: Described): string
  /** `TYPE.read` */
  read(target: TargetInput, details?: Described): string
  /** `TYPE.update`; `changes: changesBetween(before, after)` says what is different. */
  updated(target: TargetInput, details?: Described): string
  /** `TYPE.delete` */
  deleted(target: TargetInput, details?: Described): string
  /** `TYPE.export`: data left the application. */
  exported(target: TargetInput, details?: Described): string
  /** `TYPE.grant`, where TYPE is that of what was granted: `granted("role/admin", "user/bob")` is `role.grant` with both as targets. */
  granted(what: TargetInput, to: TargetInput, details?: Described): string
  /** `TYPE.revoke` */
  revoked(what: TargetInput, from: TargetInput, details?: Described): string
  /** `config.update` */
  configChanged(target: TargetInput, details?: Described): string
  /** `key.use`: a key, secret or credential did its work. */
  keyUsed(target: TargetInput, details?: Described): string
}

/** The common actions, written by `audit`. They never throw where audit() does not. */
export function actions(audit: WriteEvent): Actions {
  const alone =
    (name: keyof typeof kinds) =>
    (details: Details = {}) => {
      return audit(`user.${kinds[name].verb}`, classified(name, details))
    }
  const of =
    (name: keyof typeof kinds) =>
    (target: TargetInput, details: Described = {}) => {
      return audit(actionOf(name, target), classified(name, { ...details, target }))
    }
  const between =
    (name: keyof typeof kinds) =>
    (what: TargetInput, whom: TargetInput, details: Described = {}) => {
      return audit(actionOf(name, what), classified(name, { ...details, targets: [what, whom] }))
    }
  return {
    login: alone("login"),
    loginFailed: alone("loginFailed"),
    logout: alone("logout"),
    accessDenied: of("accessDenied"),
    created: of("created"),
    read: of("read"),
    updated: of("updated"),
    deleted: of("deleted"),
    exported: of("exported"),
    granted: between("granted"),
    revoked: between("revoked"),
    configChanged: of("configChanged"),
    keyUsed: of("keyUsed"),
  }
}

function classified(name: keyof typeof kinds, details: Details): Details {
  const { verb: _, ...said } = kinds[name]
  const { category = said.category, op = said.op } = details
  const { severity = said.severity, outcome = said.outcome } = details
  return { ...details, category, op, severity, outcome }
}

/** A verb with a dot is an action by itself. */
function actionOf(name: keyof typeof kinds, target: TargetInput): string {
  const { verb } = kinds[name]
  return verb.includes(".") ? verb : `${typeOf(target)}.${verb}`
}

const typeLettersMax = 96

/** The target's type as the first part of an action; what is wrong with the target itself audit() says. */
function typeOf(target: TargetInput): string {
  const type = typeof target === "string" ? /^([^/]+)\/./.exec(target)?.[1] : target?.type
  const plain = String(type ?? "unknown")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
  return plain.slice(0, typeLettersMax) || "unknown"
}
