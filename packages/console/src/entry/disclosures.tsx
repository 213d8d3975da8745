import { decodeUtf8, limits } from "@postern/log/base"
import { digestsOf, disclosureDigest, parseDisclosure } from "@postern/log/event"
import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { formatAddress } from "../address/index.ts"
import { api } from "../api/index.ts"
import { Failure, Skeleton, visible } from "../look/index.ts"
import { type ErasedValue, erasedValueOf } from "./erased-value.ts"

const shownMax = 20_000

/** Values that are kept beside the log: fetched one by one when somebody asks, and held against the digest in the leaf. */
export function Disclosures({
  index,
  event,
}: {
  readonly index: number
  readonly event: Readonly<Record<string, unknown>>
}) {
  const digests = digestsOf(event)
  if (digests.length === 0) return null
  return (
    <section>
      <h2>Values kept beside the log</h2>
      <p className="small quiet">The leaf holds only their digests. Each reading is recorded.</p>
      <ul className="disclosures">
        {digests.map((digest) => (
          <Disclosed key={digest} index={index} digest={digest} event={event} />
        ))}
      </ul>
    </section>
  )
}

interface One {
  readonly index: number
  readonly digest: string
  readonly event: Readonly<Record<string, unknown>>
}

function Disclosed({ index, digest, event }: One) {
  const [isWanted, setWanted] = useState(false)
  const { data, error, refetch } = useQuery({
    queryKey: ["disclosure", index, digest],
    queryFn: async ({ signal }) =>
      readDisclosed(await api.disclosure(index, digest, signal), digest, event),
    enabled: isWanted,
  })
  if (!isWanted) {
    return (
      <li className="row">
        <button type="button" className="button tiny" onClick={() => setWanted(true)}>
          Read
        </button>
        <code className="wrap quiet">{digest}</code>
      </li>
    )
  }
  const erased = erasedValueOf(error)
  if (erased !== undefined) return <Erased digest={digest} entry={erased.entry} />
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton lines={2} />
  return (
    <li>
      <p className="row">
        <b>{visible(data.name)}</b>
        <span className="tag" data-tone={data.isRight ? "good" : "bad"}>
          {data.isRight
            ? "has the digest in the leaf"
            : "FAILED: not the value whose digest is in the leaf"}
        </span>
      </p>
      <pre className="raw">{visible(data.text)}</pre>
      {data.further.length > 0 && (
        <ul className="disclosures">
          {data.further.map((one) => (
            <Disclosed key={one} index={index} digest={one} event={event} />
          ))}
        </ul>
      )}
    </li>
  )
}

function Erased({ digest, entry }: ErasedValue & Pick<One, "digest">) {
  return (
    <li>
      <p>
        Erased on purpose
        {entry !== undefined && (
          <>
            {"; "}
            <a href={formatAddress("entry", {}, String(entry))}>
              entry {entry.toLocaleString("en")}
            </a>{" "}
            says so
          </>
        )}
        .
      </p>
      <code className="wrap quiet">{digest}</code>
    </li>
  )
}

/** Whatever came: its digest is worked out here, from its bytes. */
function readDisclosed(json: Uint8Array, digest: string, { _policy }: One["event"]) {
  const isRight = disclosureDigest(json) === digest
  const text = decodeUtf8(json) ?? "(not a text)"
  try {
    const { name, value } = parseDisclosure(json)
    const pretty = JSON.stringify(value, undefined, 2)
    const shown = pretty.slice(0, shownMax)
    // A value of an event that the policy has sealed may name further ones.
    const further = digestsOf({ _policy, value }).filter(() => json.length <= limits.entryBytesMax)
    return { name: name ?? "an element of a list", text: shown, isRight, further }
  } catch {
    return { name: digest, text: text.slice(0, shownMax), isRight: false, further: [] }
  }
}
