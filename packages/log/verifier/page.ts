/**
 * The page that people open from disk: an evidence file and whom to trust in, a verdict in plain words out. All that is
 * checked is checked by @postern/log/evidence; here is only what a person sees. It has no server and reaches no network.
 */
import { checkEvidence } from "@postern/log/evidence"
import type { TrustPolicy } from "@postern/log/tlog"
import { byId, element, fill, say } from "./elements.ts"
import { EntriesTable } from "./entries-table.ts"
import { whoSaysSo, witnessLines } from "./people.ts"
import { readFile } from "./reading.ts"
import { factElements, factsOf, recordText } from "./record.ts"
import { whyNoSignatures } from "./signatures.ts"
import { counted, type Trust, understandTrust } from "./trust.ts"
import { ShownLeaves } from "./values.ts"
import { notChecked, type PlainVerdict, plainVerdict } from "./words.ts"

const policyBytesMax = 1_000_000
const table = new EntriesTable()
const unable = whyNoSignatures()
let file: File | undefined
let trust: Trust = { kind: "nothing" }
/** The check that is going on; a new one ends it. */
let running: AbortController | undefined
let record = ""

async function check(): Promise<void> {
  running?.abort(new Error("another check began"))
  byId("details").hidden = true
  byId("progress").hidden = true
  if (file === undefined || trust.kind !== "policy") return showWaiting()
  const reason = await unable
  if (reason !== undefined) return showVerdict(notChecked(reason.replace(/\.$/, "")))
  const own = new AbortController()
  running = own
  byId("progress").hidden = false
  try {
    await checkFile(file, trust.policy, own.signal)
  } catch (error) {
    if (own.signal.aborted) return
    // Reading failed: the file was moved or changed meanwhile, or the browser gave up. That is no verdict.
    showVerdict(
      notChecked(`it could not be read (${error instanceof Error ? error.message : error})`),
    )
  } finally {
    if (running === own) byId("progress").hidden = true
  }
}

async function checkFile(chosen: File, policy: TrustPolicy, signal: AbortSignal): Promise<void> {
  const began = performance.now()
  const shown = new ShownLeaves()
  const progress = byId<HTMLProgressElement>("progress-bar")
  progress.value = 0
  const reading = readFile(
    chosen,
    (bytes) => {
      progress.value = bytes / chosen.size
      say("progress-text", `Checking: ${counted(shown.count, "entry")} so far`)
    },
    signal,
  )
  const said = await checkEvidence(reading.chunks, policy, shown)
  signal.throwIfAborted()
  const plain = plainVerdict(said, policy)
  const isProven = said.verdict !== "INVALID" && said.verdict !== "UNKNOWN"
  fill("who", ...whoSaysSo(said))
  fill("witnesses", ...witnessLines(said, policy))
  byId("people").hidden = !isProven || said.kind === "fork"
  table.show(isProven ? shown.leaves : [], said.senders, isProven ? said.counts.leaves : 0)
  const { name, size: bytes } = chosen
  const milliseconds = performance.now() - began
  const facts = factsOf(said, plain.word, { name, bytes, sha256: reading.digest(), milliseconds })
  fill("facts", ...factElements(facts))
  record = recordText(plain, facts)
  showVerdict(plain)
  byId("details").hidden = false
}

function showVerdict({ tone, word, title, lead, shows, showsNot }: PlainVerdict): void {
  byId("verdict").dataset.tone = tone
  say("verdict-word", word)
  say("verdict-title", title)
  say("verdict-lead", lead)
  fill("shows", ...shows.map((line) => element("li", {}, line)))
  fill("shows-not", ...showsNot.map((line) => element("li", {}, line)))
  byId("shows-card").hidden = shows.length === 0
  byId("not-card").hidden = showsNot.length === 0
}

function showWaiting(): void {
  byId("verdict").dataset.tone = "waiting"
  say("verdict-word", "No verdict yet")
  const missing =
    file === undefined
      ? "Give the page both, and it says what the file shows."
      : "Now say whom you trust: without a key, nothing can be checked."
  say("verdict-title", missing)
  say("verdict-lead", "")
}

function takeFile(chosen: File | undefined): void {
  if (chosen === undefined) return
  file = chosen
  say("file-name", chosen.name)
  say("file-about", `${chosen.size.toLocaleString("en")} bytes`)
  void check()
}

function takeTrust(): void {
  trust = understandTrust(byId<HTMLTextAreaElement>("trust").value)
  say("trust-said", trust.kind === "nothing" ? "" : trust.said)
  byId("trust-said").dataset.tone = trust.kind === "wrong" ? "bad" : "good"
  void check()
}

async function takeTrustFile(chosen: File | undefined): Promise<void> {
  if (chosen === undefined) return
  const text =
    chosen.size > policyBytesMax ? "# too large to be a trust policy" : await chosen.text()
  byId<HTMLTextAreaElement>("trust").value = text
  takeTrust()
}

function dropZone(id: string, take: (chosen: File | undefined) => void): void {
  const zone = byId(id)
  zone.addEventListener("dragover", () => zone.classList.add("over"))
  zone.addEventListener("dragleave", () => zone.classList.remove("over"))
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("over")
    const chosen = event.dataTransfer?.files[0]
    if (chosen === undefined) return
    event.preventDefault()
    event.stopPropagation()
    take(chosen)
  })
}

/** A file that misses its place would replace the page: the whole page takes it for the evidence. */
function catchStrayDrops(): void {
  addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault()
  })
  addEventListener("drop", (event) => {
    const chosen = event.dataTransfer?.files[0]
    if (chosen === undefined) return
    event.preventDefault()
    takeFile(chosen)
  })
}

function fileChooser(id: string, take: (chosen: File | undefined) => void): void {
  const input = byId<HTMLInputElement>(id)
  input.addEventListener("change", () => {
    take(input.files?.[0])
    // So that choosing the same file again, changed meanwhile, is a choice as well.
    input.value = ""
  })
}

async function copyRecord(): Promise<void> {
  const button = byId("copy")
  try {
    await navigator.clipboard.writeText(record)
    button.textContent = "Copied"
  } catch {
    button.textContent = "Not allowed here" // The browser may refuse the clipboard to pages from disk.
  }
  setTimeout(() => {
    button.textContent = "Copy as text"
  }, 2000)
}

fileChooser("file-input", takeFile)
fileChooser("trust-input", (chosen) => void takeTrustFile(chosen))
dropZone("file-drop", takeFile)
dropZone("trust-drop", (chosen) => void takeTrustFile(chosen))
catchStrayDrops()
byId("trust").addEventListener("input", takeTrust)
byId("filter").addEventListener("input", () => table.filter(byId<HTMLInputElement>("filter").value))
byId("copy").addEventListener("click", () => void copyRecord())
byId("stop").addEventListener("click", () => {
  running?.abort(new Error("stopped"))
  byId("progress").hidden = true
  showVerdict(notChecked("you stopped it before the end"))
})
const reason = await unable
if (reason !== undefined) {
  say(
    "unable",
    `${reason} Every verdict here would be "unknown". Use a current Chrome, Edge, Firefox or Safari, or postern verify.`,
  )
  byId("unable").hidden = false
}
