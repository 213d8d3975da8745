import { type DragEvent, useId, useRef, useState } from "react"
import type { KeyInUse } from "../entry/index.ts"
import { Failure } from "../look/index.ts"
import { type CheckedFile, checkFile, type Trust, understandTrust } from "./checking.ts"
import { Verdict } from "./verdict.tsx"

type Checking =
  | { readonly state: "idle" }
  | { readonly state: "working"; readonly part: number }
  | { readonly state: "done"; readonly checked: CheckedFile }
  | { readonly state: "broken"; readonly error: Error }

/** A file that somebody handed over, checked against whom one trusts. */
export function FileCheck({ keyInUse }: { readonly keyInUse: KeyInUse }) {
  const [text, setText] = useState("")
  const trust = understandTrust(text.trim() === "" ? (keyInUse.vkey ?? "") : text)
  const { checking, check } = useChecking(trust)
  return (
    <section className="card" aria-labelledby="file-check">
      <header>
        <h2 id="file-check">Check a file</h2>
        <span className="small quiet">It stays in this browser</span>
      </header>
      <div className="body stack">
        <DropPlace onFile={check} />
        <TrustField text={text} setText={setText} trust={trust} keyInUse={keyInUse} />
        {checking.state === "working" && (
          <progress aria-label="Checking" value={checking.part} max={1} />
        )}
        {checking.state === "broken" && <Failure error={checking.error} />}
        {checking.state === "done" && <Verdict checked={checking.checked} />}
      </div>
    </section>
  )
}

/** One check at a time: another file ends the one before. */
function useChecking(trust: Trust) {
  const [checking, setChecking] = useState<Checking>({ state: "idle" })
  const running = useRef<AbortController | undefined>(undefined)
  const run = async (file: File) => {
    running.current?.abort()
    const stop = new AbortController()
    running.current = stop
    if (trust.kind !== "policy") {
      const error = new Error("Say whom you trust first: without a key nothing can be checked")
      return setChecking({ state: "broken", error })
    }
    setChecking({ state: "working", part: 0 })
    try {
      const progress = (part: number) => setChecking({ state: "working", part })
      const checked = await checkFile(file, file.name, trust, progress, stop.signal)
      setChecking({ state: "done", checked })
    } catch (cause) {
      if (stop.signal.aborted) return
      const error = cause instanceof Error ? cause : new Error(String(cause))
      setChecking({ state: "broken", error })
    }
  }
  const check = (file: File | undefined) => {
    if (file !== undefined) void run(file)
  }
  return { checking, check }
}

function DropPlace({ onFile }: { readonly onFile: (file: File | undefined) => void }) {
  const [isOver, setOver] = useState(false)
  const id = useId()
  const over = (event: DragEvent) => {
    event.preventDefault()
    setOver(true)
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    onFile(event.dataTransfer.files[0])
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the field inside does the same without a mouse
    <div
      className="drop"
      data-over={isOver}
      onDragOver={over}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <label htmlFor={id}>Drop an evidence file here, or choose one</label>
      <input
        id={id}
        type="file"
        onChange={(event) => {
          onFile(event.target.files?.[0])
          event.target.value = ""
        }}
      />
    </div>
  )
}

function TrustField(props: {
  readonly text: string
  readonly setText: (text: string) => void
  readonly trust: Trust
  readonly keyInUse: KeyInUse
}) {
  const { text, setText, trust, keyInUse } = props
  const id = useId()
  const other = keyInUse.isPinned ? "the key you pinned" : "the key that this server names"
  return (
    <>
      <label className="small" htmlFor={id}>
        Whom you trust: a verifier key or a trust policy. Empty: {other}.
      </label>
      <textarea
        id={id}
        className="field"
        rows={3}
        spellCheck={false}
        placeholder={keyInUse.vkey ?? "log.example/audit+5f02ff6d+AYqI4910…"}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {text.trim() !== "" && trust.kind !== "nothing" && (
        <p className={trust.kind === "wrong" ? "small bad" : "small"} role="status">
          {trust.said}
        </p>
      )}
    </>
  )
}
