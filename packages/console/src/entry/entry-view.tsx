import { encodeUtf8, formatHex } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { useQuery } from "@tanstack/react-query"
import { formatAddress } from "../address/index.ts"
import { api, type EntryAnswer, type ShownEntry } from "../api/index.ts"
import { Answered, CopyButton, Moment, visible } from "../look/index.ts"
import { readChanges } from "./changes.ts"
import { Disclosures } from "./disclosures.tsx"
import { Members } from "./members.tsx"
import { relationsOf } from "./parts.ts"
import { Sentence } from "./sentence.tsx"
import { termFor } from "./term-for.ts"
import { Verify } from "./verify.tsx"

/** Everything about one entry, what a person reads first on top. */
export function EntryView({
  index,
  verifyAtOnce = false,
}: {
  readonly index: number
  readonly verifyAtOnce?: boolean
}) {
  const query = useQuery({
    queryKey: ["entry", index],
    queryFn: ({ signal }) => api.entry(index, signal),
  })
  return (
    <Answered query={query} lines={12}>
      {(answer) => <Shown key={index} index={index} answer={answer} verifyAtOnce={verifyAtOnce} />}
    </Answered>
  )
}

/** Undefined for a leaf that no port writes: Verify says so. */
function readLeaf(leaf: string) {
  try {
    return parseEntry(encodeUtf8(leaf))
  } catch {
    return undefined
  }
}

function Shown({
  index,
  answer,
  verifyAtOnce,
}: {
  readonly index: number
  readonly answer: ShownEntry
  readonly verifyAtOnce: boolean
}) {
  const { entry } = answer
  const read = readLeaf(entry.leaf)
  const event = read?.event ?? entry.event ?? {}
  return (
    <div className="entry-view">
      <Sentence event={event} />
      {read !== undefined && (
        <p className="small quiet">
          Received <Moment at={read.stamp.received} digits="µs" /> by the port’s clock
        </p>
      )}
      <Verify index={index} answer={answer} atOnce={verifyAtOnce} />
      <Changes changes={event.changes} />
      <section>
        <h2>Event</h2>
        <Members event={event} />
      </section>
      <Disclosures index={index} event={event} />
      <Related index={index} event={event} entry={entry} />
      <StampFacts index={index} entry={entry} read={read} />
      <section>
        <header className="row spread">
          <h2>Leaf, byte for byte</h2>
          <CopyButton text={entry.leaf} label="Copy leaf" />
        </header>
        <pre className="raw">{visible(entry.leaf)}</pre>
      </section>
    </div>
  )
}

interface PartProps {
  readonly index: number
  readonly entry: EntryAnswer
}

function Related({
  index,
  entry,
  event,
}: PartProps & { readonly event: Readonly<Record<string, unknown>> }) {
  return (
    <section>
      <h2>Related</h2>
      <ul className="related">
        {relationsOf(event, entry.writer, entry.stream).map(({ title, field, value }) => (
          <li key={`${field}-${value}`}>
            <a href={formatAddress("stream", { q: termFor(field, value), range: "all" })}>
              {title}
            </a>
            <code className="quiet">{visible(value)}</code>
          </li>
        ))}
        <li>
          <a
            href={formatAddress("stream", {
              q: `index:[${Math.max(0, index - 50)} TO ${index + 50}]`,
              range: "all",
            })}
          >
            Around this entry
          </a>
          <span className="quiet">50 before and 50 behind it in the log</span>
        </li>
      </ul>
    </section>
  )
}

function StampFacts({
  index,
  entry,
  read,
}: PartProps & { readonly read: ReturnType<typeof readLeaf> }) {
  return (
    <section>
      <h2>Stamp</h2>
      <dl className="facts">
        <dt>Index</dt>
        <dd className="mono">{index.toLocaleString("en")}</dd>
        <dt>Writer</dt>
        <dd className="mono">{visible(entry.writer)}</dd>
        <dt>Stream</dt>
        <dd>
          opened by{" "}
          <a href={formatAddress("entry", {}, String(read?.stamp.open ?? entry.stream))}>
            entry {read?.stamp.open ?? entry.stream}
          </a>
          , number {read?.stamp.sequence ?? entry.sequence} in it
        </dd>
        {read !== undefined && (
          <>
            <dt>Nonce</dt>
            <dd className="mono">{formatHex(read.stamp.nonce)}</dd>
            <dt>Changed by the port</dt>
            <dd>{changedWords[read.stamp.changed]}</dd>
          </>
        )}
      </dl>
    </section>
  )
}

const changedWords = {
  0: "nothing",
  1: "members were filled in",
  2: "a foreign event was wrapped",
  3: "values were moved beside the log",
  4: "the policy changed it",
  5: "members were filled in, and the policy changed it",
  6: "a foreign event was wrapped, and the policy changed it",
  7: "values were moved beside the log, and the policy changed it",
} as const

function Changes({ changes }: { readonly changes: unknown }) {
  const rows = readChanges(changes)
  if (rows.length === 0) return null
  return (
    <section>
      <h2>Changes</h2>
      <table className="changes">
        <thead>
          <tr>
            <th scope="col">Member</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, before, after }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two changes may have one name, and none ever moves
            <tr key={`${i}-${name}`}>
              <th scope="row">{visible(name)}</th>
              <td>
                {before === undefined ? (
                  <span className="quiet">none</span>
                ) : (
                  <del>{visible(before)}</del>
                )}
              </td>
              <td>
                {after === undefined ? (
                  <span className="quiet">none</span>
                ) : (
                  <ins>{visible(after)}</ins>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
