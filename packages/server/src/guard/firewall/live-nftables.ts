import { PosternError } from "@postern/log/base"
import { nftablesTable as table } from "./dialects/index.ts"
import type { LiveFirewall, Snapshot } from "./live.ts"
import { runApart, runTool } from "./tool.ts"

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

/** libnftables-json(5): a list of objects with one key, which says what they are. */
interface Listing {
  readonly nftables: readonly JsonObject[]
}

export const liveNftables: LiveFirewall = {
  dialect: "nftables",
  async check(text) {
    await runTool("nft", ["--check", "--file", "-"], text)
  },
  async present() {
    const tables = parseListing(await runTool("nft", ["--json", "list", "tables"]))
    const ours = tables.some(
      ({ table: one }) => isObject(one) && `${one.family} ${one.name}` === table,
    )
    return ours
      ? snapshotOf(await runTool("nft", ["--json", "list", "table", ...table.split(" ")]))
      : none
  },
  async intended(text) {
    return snapshotOf(await runApart(`nft --file - && nft --json list table ${table}`, text))
  },
  async load(text, present, intended) {
    // The text fills what is there. What has another shape (an older version's, a stranger's) goes first, all in one transaction.
    const fits = JSON.stringify(present.declarations) === JSON.stringify(intended.declarations)
    const start = fits || present.saved === "" ? "" : `delete table ${table}\n`
    await runTool("nft", ["--file", "-"], start + text)
  },
  async restore(saved, present) {
    const [family, name] = table.split(" ")
    const itself = { table: { family, name } }
    // Taking away needs something to take.
    const away = [{ add: itself }, { delete: itself }]
    const back = saved === "" ? [] : withCounts(parseListing(saved), present.saved)
    // Through a pipe: for JSON, nft opens /dev/stdin by name, which cannot be done to a socket.
    const commands = JSON.stringify({ nftables: [...away, ...back] })
    await runTool("sh", ["-c", "cat | nft --json --file -"], commands)
  },
}

const none: Snapshot = { declarations: [], contents: [], saved: "" }

function parseListing(text: string): readonly JsonObject[] {
  const { nftables } = JSON.parse(text) as Partial<Listing>
  if (!Array.isArray(nftables)) throw new PosternError("FIREWALL_FAILED", "nft: no list of objects")
  return nftables.filter((one) => !("metainfo" in one))
}

function snapshotOf(saved: string): Snapshot {
  const declarations: string[] = []
  const elements: string[] = []
  const rules: string[] = []
  for (const object of parseListing(saved)) {
    const [kind = "", value] = Object.entries(object)[0] ?? []
    if (!isObject(value)) continue
    if (kind === "rule") {
      rules.push(`chain ${value.chain}: ${JSON.stringify(lasting(value.expr))}`)
      continue
    }
    const { elem = [], name, ...rest } = value
    for (const one of elem as readonly Json[]) elements.push(`${kind} ${name}: ${elementOf(one)}`)
    declarations.push(`${kind} ${name} ${JSON.stringify(lasting(rest))}`)
  }
  return { declarations: declarations.sort(), contents: [...elements.sort(), ...rules], saved }
}

/** Without what changes by itself: numbers of the kernel, and counts. */
function lasting(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(lasting)
  if (!isObject(value)) return (value ?? null) as Json
  const kept = Object.entries(value).filter(
    ([key]) => !["handle", "packets", "bytes"].includes(key),
  )
  return Object.fromEntries(kept.map(([key, one]) => [key, lasting(one)]))
}

/** `10.1.2.0/24 . 17514` */
function elementOf(element: Json): string {
  if (!isObject(element)) return String(element)
  if (Array.isArray(element.concat)) return element.concat.map(elementOf).join(" . ")
  if (isObject(element.prefix)) return `${element.prefix.addr}/${element.prefix.len}`
  return JSON.stringify(element)
}

/** Counters count on: they are evidence of what was refused meanwhile. */
function withCounts(objects: readonly JsonObject[], present: string): readonly JsonObject[] {
  const counters = (present === "" ? [] : parseListing(present)).filter(({ counter }) =>
    isObject(counter),
  )
  return objects.map((object) => {
    if (!isObject(object.counter)) return object
    const { name } = object.counter
    return counters.find(({ counter }) => isObject(counter) && counter.name === name) ?? object
  })
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
