import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { formatAddress } from "../address/index.ts"
import { api } from "../api/index.ts"
import type { KeyInUse } from "../entry/index.ts"
import { basket, useKept } from "../kept/index.ts"
import { counted, Failure, Icon } from "../look/index.ts"
import { type CheckedFile, checkFile, understandTrust } from "./checking.ts"
import { Verdict } from "./verdict.tsx"

/** The entries that were collected, and the file that is made of them. */
export function Basket({
  keyInUse,
  origin,
}: {
  readonly keyInUse: KeyInUse
  readonly origin: string
}) {
  const held = useKept(basket)
  const [disclosed, setDisclosed] = useState(false)
  const make = useMutation({ mutationFn: () => makeFile(held, disclosed, origin, keyInUse.vkey) })
  return (
    <section className="card" aria-labelledby="basket">
      <header>
        <h2 id="basket">Collected: {counted(held.length, "entry")}</h2>
        {held.length > 0 && (
          <button type="button" className="button tiny" onClick={() => basket.set([])}>
            Empty
          </button>
        )}
      </header>
      <div className="body stack">
        {held.length === 0 ? (
          <p className="quiet">
            Nothing yet. Open an entry in the <a href={formatAddress("stream")}>stream</a> and add
            it.
          </p>
        ) : (
          <>
            <HeldList held={held} />
            <label className="row small">
              <input
                type="checkbox"
                checked={disclosed}
                onChange={(event) => setDisclosed(event.target.checked)}
              />
              With the values that are kept beside the log
            </label>
            <MakeButton isPending={make.isPending} onMake={() => make.mutate()} />
          </>
        )}
        {make.error !== null && <Failure error={make.error} onRetry={() => make.mutate()} />}
        {make.data !== undefined && <Verdict checked={make.data} />}
      </div>
    </section>
  )
}

function HeldList({ held }: { readonly held: readonly number[] }) {
  return (
    <ul className="basket">
      {held.map((index) => (
        <li key={index}>
          <a className="mono" href={formatAddress("entry", {}, String(index))}>
            {index.toLocaleString("en")}
          </a>
          <button
            type="button"
            className="button bare tiny"
            aria-label={`Take entry ${index} out`}
            onClick={() => basket.set(held.filter((other) => other !== index))}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}

function MakeButton(props: { readonly isPending: boolean; readonly onMake: () => void }) {
  return (
    <div className="row">
      <button
        type="button"
        className="button strong"
        disabled={props.isPending}
        onClick={props.onMake}
      >
        {props.isPending ? "Making and checking" : "Make the file"}
      </button>
      <span className="small quiet">
        It is checked here before it is saved. Making it is recorded.
      </span>
    </div>
  )
}

/** Fetches the file, checks it with the key that is believed here, and gives it to the browser to save. */
async function makeFile(
  indexes: readonly number[],
  disclosed: boolean,
  origin: string,
  vkey: string | undefined,
): Promise<CheckedFile> {
  const answer = await api.evidence(indexes, disclosed)
  const file = await answer.blob()
  const name = `${origin.replaceAll(/[^\w.-]+/g, "-")}-${indexes.length}-entries.postern.ndjson.gz`
  const trust = understandTrust(vkey ?? "")
  if (trust.kind !== "policy") throw new Error("No key of the log is known here to check the file")
  const { signal } = new AbortController()
  const checked = await checkFile(file, name, trust, () => undefined, signal)
  save(file, name)
  return checked
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement("a")
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
