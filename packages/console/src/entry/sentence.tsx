import type { ReactNode } from "react"
import { formatAddress } from "../address/index.ts"
import { lineOf, Outcome } from "../look/index.ts"
import { addressOf, nameOf, type Party, partiesOf, partyOf } from "./parts.ts"
import { termFor } from "./term-for.ts"

/** Who did what to what, from where, on whose behalf, and how it ended. */
export function Sentence({ event }: { readonly event: Readonly<Record<string, unknown>> }) {
  const actor = partyOf(event.actor)
  const targets = partiesOf(event.targets)
  const behalf = partiesOf(event.onBehalfOf)
  const address = addressOf(event)
  return (
    <p className="sentence">
      {actor === undefined ? <b>Somebody</b> : <PartyLink party={actor} field="actor" />}
      {behalf.length > 0 && (
        <>
          {" "}
          on behalf of <Parties parties={behalf} field="onBehalfOf.id" />
        </>
      )}
      {" did "}
      <TermLink field="action" value={String(event.action ?? "")}>
        <b>{lineOf(event.action)}</b>
      </TermLink>
      {targets.length > 0 && (
        <>
          {" to "}
          <Parties parties={targets} field="target" />
        </>
      )}
      {address !== undefined && (
        <>
          {" from "}
          <code>{lineOf(address)}</code>
        </>
      )}
      {typeof event.source === "string" && (
        <>
          {" in "}
          <TermLink field="source" value={event.source}>
            {lineOf(event.source)}
          </TermLink>
        </>
      )}
      {": "}
      <Outcome value={event.outcome} />
    </p>
  )
}

const partiesShown = 4

function Parties({
  parties,
  field,
}: {
  readonly parties: readonly Party[]
  readonly field: string
}) {
  return (
    <>
      {parties.slice(0, partiesShown).map((party, i) => (
        <span key={nameOf(party)}>
          {i > 0 && ", "}
          <PartyLink party={party} field={field} />
        </span>
      ))}
      {parties.length > partiesShown && ` and ${parties.length - partiesShown} more`}
    </>
  )
}

function PartyLink({ party, field }: { readonly party: Party; readonly field: string }) {
  const { type, id, name } = party
  return (
    <TermLink field={field} value={field === "target" ? nameOf(party) : id}>
      <b>{lineOf(field === "target" ? nameOf(party) : (name ?? id))}</b>
      {field !== "target" && type !== undefined && (
        <span className="quiet"> ({lineOf(name === undefined ? type : `${type} ${id}`)})</span>
      )}
    </TermLink>
  )
}

/** A link to everything that has this value. */
export function TermLink(props: {
  readonly field: string
  readonly value: string
  readonly children: ReactNode
}) {
  const q = termFor(props.field, props.value)
  return (
    <a className="term" href={formatAddress("stream", { q, range: "all" })} title={q}>
      {props.children}
    </a>
  )
}
