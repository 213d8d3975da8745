import { type ClassName, classNames, mandatoryClasses, sayableClasses } from "./class-names.ts"
import type { SaidClasses } from "./policy.ts"
import { makeTexts, type Texts } from "./texts.ts"

/** Segments of an action that give it a class wherever they stand. */
const anywhere: readonly (readonly [ClassName, string])[] = [
  ["break-glass", "breakglass"],
  [
    "authentication",
    "login logins logon logout logoff signin signout authenticate authentication authn mfa otp password passwords passwd pwd " +
      "session sessions sso impersonate tokenreviews exec attach portforward proxy",
  ],
  [
    "grant",
    "grant grants revoke role roles permission permissions policy policies acl acls privilege privileges " +
      "rolebinding rolebindings clusterrole clusterroles clusterrolebinding clusterrolebindings serviceaccount serviceaccounts " +
      "subjectaccessreviews localsubjectaccessreviews selfsubjectaccessreviews networkpolicies",
  ],
  [
    "key",
    "key keys apikey apikeys secret secrets certificate certificates certificatesigningrequests token tokens credential credentials",
  ],
  [
    "configuration",
    "config configs configuration configurations setting settings configmap configmaps " +
      "mutatingwebhookconfigurations validatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings " +
      "mutatingadmissionpolicies mutatingadmissionpolicybindings",
  ],
  ["export", "export exports download downloads dump dumps backup backups restore"],
]

/** Last segments that give a class. */
const atTheEnd: readonly (readonly [ClassName, string])[] = [
  ["delete", "delete deleted deletecollection remove removed destroy destroyed purge erase"],
  ["read", "get list watch read view viewed head search"],
  ["change", "create created update updated patch patched write"],
  ["system", "heartbeat ping health healthz livez readyz"],
]

/** Segment to the class's number in classNames. */
function numbered(lines: readonly (readonly [ClassName, string])[]): ReadonlyMap<string, number> {
  return new Map(
    lines.flatMap(([name, words]) => words.split(" ").map((word) => [word, numberOf(name)])),
  )
}

function numberOf(name: ClassName): number {
  return classNames.indexOf(name)
}

const classAnywhere = numbered(anywhere)
const classAtTheEnd = numbered(atTheEnd)
const log = numberOf("log")
const breakGlass = numberOf("break-glass")
const denial = numberOf("denial")
const remove = numberOf("delete")
const unknown = numberOf("unknown")

/** An event's class as the number of its name in classNames, from what the port knows by itself; a class below `read` is mandatory. */
function classByItself(action: string, outcome: string): number {
  if (action.startsWith("postern.")) return log
  let found = unknown
  let last = ""
  let from = 0
  for (let at = 0; at <= action.length; at++) {
    if (at < action.length && !separates(action.charCodeAt(at))) continue
    const segment = action.slice(from, at)
    from = at + 1
    const known = classAnywhere.get(segment)
    if (known !== undefined && known < found) found = known
    if (segment === "glass" && last === "break") found = breakGlass
    last = segment
  }
  if (outcome === "denied" && found > breakGlass) return denial
  const end = classAtTheEnd.get(last)
  return end !== undefined && end < found ? end : found
}

/** `- . / : _`, between which the segments of an action stand. */
function separates(code: number): boolean {
  return (code >= 0x2d && code <= 0x2f) || code === 0x3a || code === 0x5f
}

/** Whether this class's events are never dropped, sampled or deduplicated. */
export function isMandatory(name: ClassName): boolean {
  return mandatory.has(name)
}

const mandatory: ReadonlySet<string> = new Set([...mandatoryClasses, "unknown"])

/**
 * The mandatory class that every action has which this pattern of the policy covers, whatever the outcome is (a denial counts
 * as well); undefined if it may cover others.
 */
export function surelyMandatory(pattern: string): ClassName | undefined {
  const isPrefix = pattern.endsWith("*")
  const text = isPrefix ? pattern.slice(0, -1) : pattern
  // Of a beginning only the whole segments are certain, and no segment is certain to be the last one.
  const known = isPrefix ? `${text.replace(/[^-./:_]*$/, "")}*` : text
  const found = classByItself(known, "")
  return found <= remove ? classNames[found] : undefined
}

/** How one policy derives classes: its own patterns behind what is mandatory, before what is not. */
export type ClassFinder = (action: string, outcome: string) => number

export function makeClassFinder(said: SaidClasses): ClassFinder {
  const patterns = sayableClasses.map((name): readonly [number, Texts] => [
    numberOf(name),
    makeTexts(said[name]),
  ])
  return (action, outcome) => {
    const found = classByItself(action, outcome)
    if (found <= remove) return found
    for (const [number, texts] of patterns) if (texts.covers(action)) return number
    return found
  }
}

export interface EventClass {
  readonly name: ClassName
  /** Its events are never dropped, sampled or deduplicated. */
  readonly mandatory: boolean
}

const eventClasses: readonly EventClass[] = classNames.map((name) => ({
  name,
  mandatory: isMandatory(name),
}))

/** The class by its number in classNames. */
export function eventClass(number: number): EventClass {
  return eventClasses[number] as EventClass
}
