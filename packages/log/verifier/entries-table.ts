import { decodeUtf8 } from "@postern/log/base"
import { digestsOf, parseEntry } from "@postern/log/event"
import type { LeafSender } from "@postern/log/evidence"
import { byId, element, fill } from "./elements.ts"
import { counted } from "./trust.ts"
import type { ShownLeaf, ShownValue } from "./values.ts"

interface Row {
  readonly element: HTMLTableRowElement
  /** The whole event, below its row, while it is open. */
  opened: HTMLTableRowElement | undefined
  /** What the filter looks into, in lower case. */
  readonly text: string
}

const whoWords = {
  "writer-signed": "writer's signature",
  "port-asserted": "port's word",
  unknown: "unknown sender",
} as const

/** The entries of a checked file, and the filter over them. */
export class EntriesTable {
  #rows: Row[] = []
  #total = 0

  /** @param leaves the first of the file, at most `rowsMax` @param total how many the file has */
  show(leaves: readonly ShownLeaf[], senders: readonly LeafSender[], total: number): void {
    const senderAt = new Map(
      senders.slice(0, leaves.length).map((sender) => [sender.index, sender]),
    )
    this.#rows = leaves.map((leaf) => rowOf(leaf, senderAt.get(leaf.index)))
    this.#total = total
    byId("entries-card").hidden = total === 0
    byId<HTMLInputElement>("filter").value = ""
    this.filter("")
  }

  filter(wanted: string): void {
    const text = wanted.trim().toLowerCase()
    const found = this.#rows.filter((row) => row.text.includes(text))
    const elements = found.flatMap(({ element, opened }) => [element, ...(opened ? [opened] : [])])
    fill("entries", ...elements)
    const shown = this.#rows.length
    const all =
      this.#total > shown
        ? `The first ${counted(shown, "entry")} of ${this.#total.toLocaleString("en")}. All were checked`
        : counted(shown, "entry")
    const hits =
      text === "" ? "" : ` The filter leaves ${found.length.toLocaleString("en")} of them.`
    byId("entries-said").textContent = `${all}.${hits}`
  }
}

function rowOf(shown: ShownLeaf, sender: LeafSender | undefined): Row {
  const { index, leaf, values, disclosed, withheld } = shown
  const { stamp, event, eventBytes } = parseEntry(leaf)
  const who = sender?.who ?? "unknown"
  const writer =
    sender === undefined || who === "unknown" ? "" : (sender.writer ?? "the port itself")
  const closed = { type: "button", class: "opener", "aria-expanded": "false" }
  const opener = element("button", closed, textOf(event.action))
  const beside = besideText(disclosed, withheld ?? digestsOf(event).length)
  const small = beside === "" ? [] : [element("small", {}, beside)]
  const valuesText = values.map(({ name, text }) => `${name} ${text}`).join(" ")
  const tag = element("span", { class: "tag", "data-who": who }, whoWords[who])
  const row: Row = {
    element: element(
      "tr",
      {},
      element("td", { class: "number" }, `${index}`),
      element("td", { class: "time" }, timeOf(stamp.received)),
      element("td", { class: "text" }, opener, ...small),
      element("td", {}, textOf(event.outcome)),
      element("td", { class: "text" }, actorOf(event.actor)),
      element("td", { class: "text" }, tag, element("br"), writer),
    ),
    opened: undefined,
    text: `${index} ${decodeUtf8(eventBytes) ?? ""} ${writer} ${whoWords[who]} ${valuesText}`.toLowerCase(),
  }
  opener.addEventListener("click", () => toggle(row, opener, eventBytes, shown))
  return row
}

/** The whole event is made only for those who ask: a thousand at once would make the page slow. */
function toggle(
  row: Row,
  opener: HTMLButtonElement,
  eventBytes: Uint8Array,
  { values, disclosed }: ShownLeaf,
): void {
  if (row.opened === undefined) {
    const cell = element("td", { colspan: "6" }, element("pre", {}, pretty(eventBytes)))
    for (const value of values) cell.append(...valueElements(value))
    const more = disclosed - values.length
    if (more > 0)
      cell.append(element("p", {}, `${counted(more, "more value")}: too much for a page`))
    row.opened = element("tr", { class: "opened" }, cell)
    row.element.after(row.opened)
  } else {
    row.opened.remove()
    row.opened = undefined
  }
  opener.setAttribute("aria-expanded", `${row.opened !== undefined}`)
}

const shownMax = 200

function textOf(value: unknown): string {
  const text = typeof value === "string" ? value : value === undefined ? "–" : JSON.stringify(value)
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text
}

function actorOf(actor: unknown): string {
  if (typeof actor !== "object" || actor === null) return textOf(actor)
  const { type, id } = actor as Record<string, unknown>
  return id === undefined
    ? textOf(actor)
    : `${textOf(id)}${type === undefined ? "" : ` (${textOf(type)})`}`
}

function timeOf(microseconds: number): string {
  const time = new Date(Math.floor(microseconds / 1000))
  if (Number.isNaN(time.getTime())) return `${microseconds} µs`
  return time.toISOString().replace("T", " ").replace("Z", " UTC")
}

/** How many values are not in the entry itself, and how many of them are not here. */
function besideText(here: number, withheld: number): string {
  const parts = [
    ...(here > 0 ? [`${counted(here, "value")} beside it`] : []),
    ...(withheld > 0 ? [`${counted(withheld, "value")} withheld`] : []),
  ]
  return parts.join(", ")
}

function valueElements({ name, text, characters }: ShownValue): HTMLElement[] {
  const shown = text.length.toLocaleString("en")
  const cut =
    text.length < characters
      ? ` The first ${shown} of ${characters.toLocaleString("en")} characters:`
      : ""
  const about = `, kept beside the entry, which holds its digest.${cut}`
  return [
    element("p", {}, element("strong", {}, name === "" ? '""' : name), about),
    element("pre", {}, text),
  ]
}

function pretty(eventBytes: Uint8Array): string {
  const text = decodeUtf8(eventBytes) ?? ""
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text // Nested deeper than the browser can write down.
  }
}
