import { lineOf, visible } from "../look/index.ts"
import { TermLink } from "./sentence.tsx"

/** So many members of one object or list are shown; the rest stands in the leaf below. */
const membersMax = 100
const depthMax = 6

/** The members of an event in their order; a click on a plain value asks for all entries that have it. */
export function Members({ event }: { readonly event: Readonly<Record<string, unknown>> }) {
  const shown = Object.entries(event).filter(([name]) => name !== "changes" && name !== "_sd")
  return (
    <dl className="members">
      {shown.map(([name, value]) => (
        <Member key={name} name={name} path={[name]} value={value} />
      ))}
    </dl>
  )
}

interface MemberProps {
  readonly name: string
  readonly path: readonly string[]
  readonly value: unknown
}

function Member({ name, path, value }: MemberProps) {
  return (
    <>
      <dt>{visible(name)}</dt>
      <dd>
        <Value path={path} value={value} />
      </dd>
    </>
  )
}

function Value({ path, value }: { readonly path: readonly string[]; readonly value: unknown }) {
  if (typeof value === "object" && value !== null) {
    if (path.length >= depthMax) return <code className="wrap">{lineOf(value)}</code>
    // Arrays are transparent to a query: any element counts.
    const isList = Array.isArray(value)
    const members = Object.entries(value)
    if (members.length === 0) return <span className="quiet">{isList ? "[]" : "{}"}</span>
    return (
      <dl className="members">
        {members.slice(0, membersMax).map(([name, item]) => (
          <Member key={name} name={name} path={isList ? path : [...path, name]} value={item} />
        ))}
        {members.length > membersMax && (
          <dd className="quiet">and {members.length - membersMax} more</dd>
        )}
      </dl>
    )
  }
  const text = typeof value === "string" ? value : JSON.stringify(value)
  // A name that no path can spell, or a text that nobody would look for as a whole.
  const isPlain = path.every((step) => /^[\w-]+$/.test(step)) && text.length <= 200
  if (!isPlain) return <span className="wrap">{visible(text)}</span>
  return (
    <TermLink field={path.join(".")} value={text}>
      <span className="wrap">{visible(text)}</span>
    </TermLink>
  )
}
