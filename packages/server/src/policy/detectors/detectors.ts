import { findIbans, findSocial } from "./accounts.ts"
import { findV4, findV6 } from "./addresses.ts"
import { findCards } from "./cards.ts"
import { findEmails, findPhones } from "./contacts.ts"
import { findEncoded } from "./encoded.ts"
import { findEntropy, isKnownField } from "./entropy.ts"
import { type Folded, fold, foldName } from "./folding.ts"
import { arrange, type Finding, type Hit, noHits } from "./hit.ts"
import { findHttp } from "./http.ts"
import { findKeyValues } from "./key-values.ts"
import { findKubernetes } from "./kubernetes.ts"
import { findLiterals } from "./literals.ts"
import { type NeedleText, needlesOf } from "./needles.ts"
import { compilePatterns } from "./patterns.ts"
import { isSecretValue, type ValueKind } from "./plain-values.ts"
import type { DetectorSettings, Treatment } from "./settings.ts"
import { Siblings } from "./siblings.ts"
import { findLiteralsInSql } from "./sql.ts"
import { seen, survey } from "./survey.ts"
import { findUserinfo } from "./userinfo.ts"
import { findVault } from "./vault.ts"

export interface Detectors {
  /**
   * One of these occurs in the bytes of every event in which anything can be found that is written in ASCII; see
   * `beyondAscii` for the rest. Undefined: every event has to be looked at.
   */
  readonly needles: readonly NeedleText[] | undefined
  /** True: an event with a byte above 0x7f has to be looked at as well, since its letters may be twins of others. */
  readonly beyondAscii: boolean
  /** A new event: forgets what the one before said. Call it before the first look at each event. */
  begin(): void
  /** The event is a large one and goes on: patterns may cost as much again as an event may. Call it for each piece of one entry's size. */
  goOn(): void
  /**
   * Looks at one text as the characters that it means, at a number or word as it is written, or at bytes. `key`: the member's name,
   * undefined in an array. `path`: the names and numbers of what holds it, from the event's top; not kept. Texts of an
   * event come in their order. Hits in order of position, not overlapping.
   */
  look(
    text: string,
    key: string | undefined,
    path: readonly string[],
    kind: ValueKind,
  ): readonly Hit[]
}

/** Throws POLICY_INVALID for a pattern that is not acceptable. */
export function openDetectors(settings: DetectorSettings): Detectors {
  const { groups, packs } = settings
  const isOn = Object.values(groups).some((one) => one !== "off") || packs.length > 0
  const siblings = new Siblings()
  const patterns = compilePatterns(settings.patterns)
  const treatments = treatmentsOf(settings)
  const scan = makeScan(treatments)
  const scanPacks = makePackScan(settings, treatments)

  return {
    needles: needlesOf(settings),
    beyondAscii: isOn,
    begin() {
      siblings.begin()
      patterns.begin()
    },
    goOn() {
      patterns.begin()
    },
    look(text, key, path, kind) {
      if (text === "" || text === "null") return noHits
      const hits: Hit[] = []
      const named = siblings.nameOf(text, key, path)
      if (named !== undefined && treatments.secrets !== undefined) {
        if (isSecretValue(named, foldName(text), kind)) {
          const finding = { name: named.name, from: 0, to: text.length, whole: true }
          add(hits, finding, never(named.name, treatments.secrets))
          if (treatments.secrets !== "mark") return hits
        }
      }
      const mask = survey(text)
      if (mask !== 0) scan(text, mask, key ?? path.at(-1), hits)
      // What a byte above 0x7f means nobody knows, so it has no twin.
      const foldable = kind === "bytes" ? seen.escape : seen.escape | seen.beyond
      const folded = (mask & foldable) === 0 ? undefined : fold(text)
      if (folded !== undefined) scanFolded(folded, key, path, hits)
      scanPacks(text, mask, key, path, kind, siblings.resource, hits)
      for (const hit of patterns.find(folded?.text ?? text)) hits.push({ ...hit, to: text.length })
      return arrange(hits)
    },
  }

  function scanFolded(
    folded: Folded,
    key: string | undefined,
    path: readonly string[],
    hits: Hit[],
  ): void {
    const inside: Hit[] = []
    scan(folded.text, survey(folded.text), key ?? path.at(-1), inside)
    for (const hit of inside) {
      const from = folded.starts[hit.from] as number
      hits.push({ ...hit, from, to: folded.starts[hit.to] as number })
    }
  }
}

type Treatments = Readonly<
  Record<keyof DetectorSettings["groups"] | "packs", Treatment | undefined>
>

/** `truncate` is for addresses alone, and stands for `hmac` there. Packs do as `secrets` does. */
function treatmentsOf({ groups }: DetectorSettings): Treatments {
  const of = (one: Treatment | "off") => onOnly(one === "truncate" ? "hmac" : one)
  return {
    ...{ secrets: of(groups.secrets), cards: of(groups.cards), accounts: of(groups.accounts) },
    ...{ contacts: of(groups.contacts), entropy: of(groups.entropy) },
    addresses: groups.addresses === "hmac" ? "truncate" : onOnly(groups.addresses),
    packs: of(groups.secrets) ?? "hmac",
  }
}

function onOnly(one: Treatment | "off"): Treatment | undefined {
  return one === "off" ? undefined : one
}

/** A verification value or a PIN is so short that its digest is as good as itself (PCI DSS 3.3.1). */
function never(name: string, treatment: Treatment): Treatment {
  const isShort = name === "card-verification" || name === "pin"
  return isShort && treatment !== "mark" ? "redact" : treatment
}

function add(hits: Hit[], finding: Finding, treatment: Treatment): void {
  hits.push({ ...finding, do: never(finding.name, treatment) })
}

function addAll(hits: Hit[], findings: readonly Finding[], treatment: Treatment): void {
  if (findings.length === 0) return
  for (const finding of findings) add(hits, finding, treatment)
}

type Scan = (text: string, mask: number, key: string | undefined, hits: Hit[]) => void

/** The detectors of the groups, each only where the survey saw what it needs. */
function makeScan(treatments: Treatments): Scan {
  const { secrets, cards, accounts, contacts, addresses, entropy } = treatments
  const assigned = seen.equals | seen.colon | seen.dashes | seen.angle
  return (text, mask, key, hits) => {
    if (secrets !== undefined) {
      if ((mask & seen.literal) !== 0) addAll(hits, findLiterals(text), secrets)
      if ((mask & seen.slashes) !== 0 && (mask & seen.at) !== 0)
        addAll(hits, findUserinfo(text), secrets)
      if ((mask & assigned) !== 0) addAll(hits, findKeyValues(text), secrets)
      if ((mask & seen.run) !== 0) addAll(hits, findEncoded(text), secrets)
    }
    if (cards !== undefined && (mask & seen.digits13) !== 0) addAll(hits, findCards(text), cards)
    if (accounts !== undefined && (mask & seen.digits9) !== 0) {
      if ((mask & seen.letterDigit) !== 0) addAll(hits, findIbans(text), accounts)
      addAll(hits, findSocial(text), accounts)
    }
    if (contacts !== undefined) {
      if ((mask & seen.at) !== 0) addAll(hits, findEmails(text), contacts)
      if ((mask & seen.plus) !== 0) addAll(hits, findPhones(text), contacts)
    }
    if (addresses !== undefined) {
      if ((mask & seen.dots) !== 0) addAddresses(hits, findV4(text, key), addresses)
      if ((mask & seen.colon) !== 0) addAddresses(hits, findV6(text), addresses)
    }
    if (
      entropy !== undefined &&
      (mask & seen.run) !== 0 &&
      !(key !== undefined && isKnownField(key))
    )
      addAll(hits, findEntropy(text), entropy)
  }
}

function addAddresses(hits: Hit[], findings: readonly Finding[], treatment: Treatment): void {
  for (const finding of findings) {
    const { name, from, to } = finding
    if (treatment === "truncate") hits.push({ ...finding, do: treatment })
    else hits.push({ name, from, to, whole: true, do: treatment })
  }
}

type PackScan = (
  text: string,
  mask: number,
  key: string | undefined,
  path: readonly string[],
  kind: ValueKind,
  resource: string | undefined,
  hits: Hit[],
) => void

function makePackScan({ packs }: DetectorSettings, treatments: Treatments): PackScan {
  const treatment = treatments.packs ?? "hmac"
  const [kubernetes, vault] = [packs.includes("kubernetes"), packs.includes("vault")]
  const [sql, http] = [packs.includes("sql"), packs.includes("http")]
  const parted = seen.gap | seen.beyond
  return (text, mask, key, path, kind, resource, hits) => {
    if (vault) addAll(hits, findVault(text, key, path, kind), treatment)
    if (kind === "number" || kind === "other") return
    if (kubernetes) addAll(hits, findKubernetes(text, key, path, resource), treatment)
    if (http) addAll(hits, findHttp(text, (mask & seen.query) !== 0, key, path), treatment)
    if (sql && (mask & parted) !== 0)
      addAll(hits, findLiteralsInSql(text), treatment === "mark" ? "mark" : "truncate")
  }
}
