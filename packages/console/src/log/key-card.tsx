import { isPosternError } from "@postern/log/base"
import { parseVkey } from "@postern/log/tlog"
import { useState } from "react"
import type { LogAnswer } from "../api/index.ts"
import { pinnedKeys, useKept } from "../kept/index.ts"
import { CopyButton, formatCount } from "../look/index.ts"

/** The key that this browser believes, where it came from, and the keys that the log has had. */
export function KeyCard({ log }: { readonly log: LogAnswer }) {
  const all = useKept(pinnedKeys)
  const pinned = all[log.origin]
  const shown = pinned ?? log.vkey ?? undefined
  const unpin = () => {
    const { [log.origin]: _, ...others } = all
    pinnedKeys.set(others)
  }
  return (
    <section className="card" aria-labelledby="log-key">
      <header>
        <h2 id="log-key">Key of the log</h2>
        <span className="tag" data-tone={pinned === undefined ? "fair" : "good"}>
          {pinned === undefined ? "on the server’s word" : "pinned by you"}
        </span>
      </header>
      <div className="body stack">
        <div className="copyable">
          <pre>{shown ?? "The server names none."}</pre>
          {shown !== undefined && <CopyButton text={shown} />}
        </div>
        {pinned !== undefined && pinned !== log.vkey && (
          <p className="small">
            The server names another key now. Signatures of it count here only if a proof leads from
            your key to it.
          </p>
        )}
        {pinned === undefined ? (
          <PinForm origin={log.origin} served={shown} />
        ) : (
          <button type="button" className="button tiny self-start" onClick={unpin}>
            Unpin
          </button>
        )}
        {log.keys.length > 1 && <History keys={log.keys} />}
      </div>
    </section>
  )
}

function PinForm({
  origin,
  served,
}: {
  readonly origin: string
  readonly served: string | undefined
}) {
  const [text, setText] = useState("")
  const [said, setSaid] = useState("")
  const isEmpty = text.trim() === ""
  const pin = () => {
    const vkey = isEmpty ? (served ?? "") : text.trim()
    const wrong = whyNot(vkey, origin)
    setSaid(wrong ?? "")
    if (wrong === undefined) pinnedKeys.set({ ...pinnedKeys.get(), [origin]: vkey })
  }
  return (
    <>
      <p className="small quiet">
        This key came from the server that it is meant to check. Paste the one from your profile, or
        compare and pin it.
      </p>
      <div className="row">
        <input
          className="field mono grow"
          aria-label="Verifier key from your profile"
          placeholder="log.example/audit+5f02ff6d+AYqI4910…"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="button" className="button" onClick={pin}>
          {isEmpty ? "Pin the key above" : "Pin this key"}
        </button>
      </div>
      <p className="small bad" role="alert" hidden={said === ""}>
        {said}
      </p>
    </>
  )
}

function whyNot(vkey: string, origin: string): string | undefined {
  try {
    const { name } = parseVkey(vkey)
    return name === origin ? undefined : `This is a key of ${name}, and this log is ${origin}.`
  } catch (error) {
    return `Not a key: ${isPosternError(error) ? (error.detail ?? error.message) : String(error)}`
  }
}

function History({ keys }: Pick<LogAnswer, "keys">) {
  return (
    <details>
      <summary>{keys.length} keys so far</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col" className="number">
              From entry
            </th>
            <th scope="col" className="number">
              To
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map(({ vkey, from, to }) => (
            <tr key={vkey}>
              <td className="mono wrap">{vkey}</td>
              <td className="number">{formatCount(from)}</td>
              <td className="number">{to === null ? "now" : formatCount(to)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
