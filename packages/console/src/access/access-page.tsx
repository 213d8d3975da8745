import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { type AccessAnswer, api } from "../api/index.ts"
import { Age, Answered, lineOf, Moment, Partial, State, shortIdentity } from "../look/index.ts"

type Identity = AccessAnswer["identities"][number]

export function AccessPage() {
  const query = useQuery({ queryKey: ["access"], queryFn: ({ signal }) => api.access(signal) })
  return (
    <div className="page">
      <header>
        <h1>Access</h1>
        <p>
          The access list in force. It is changed on the port’s machine, with approvals where they
          are asked for; every change is an entry.
        </p>
      </header>
      <Answered query={query}>
        {(answer) => (
          <>
            <Partial answer={answer} />
            <Review review={answer.review} />
            <Identities identities={answer.identities} />
            <p className="small quiet">
              {answer.revoked.length === 0
                ? "No certificate is revoked."
                : `Revoked: ${answer.revoked.map(revokedText).join(", ")}.`}
            </p>
            <p className="small quiet">
              Digest of the list: <code className="wrap">{answer.digest}</code>
            </p>
          </>
        )}
      </Answered>
    </div>
  )
}

function revokedText({ serial, key, reason }: AccessAnswer["revoked"][number]): string {
  const what = serial === undefined ? `key ${lineOf(key)}` : `serial ${lineOf(serial)}`
  return reason === undefined ? what : `${what} (${lineOf(reason)})`
}

function Review({ review }: Pick<AccessAnswer, "review">) {
  if (review === null) return null
  const { due, state, answered, of } = review
  const part = of === 0 ? 0 : answered / of
  return (
    <section className="card" aria-labelledby="review">
      <header>
        <h2 id="review">Review</h2>
        <span
          className="tag"
          data-tone={state === "overdue" ? "bad" : answered < of ? "fair" : "good"}
        >
          {lineOf(state)}
        </span>
      </header>
      <div className="body row">
        <span className="meter wide" role="img" aria-label={`${answered} of ${of} answered`}>
          <span style={{ width: `${100 * part}%` }} />
        </span>
        <span className="small">
          {answered} of {of} answered{due === null ? "" : `, due ${due.slice(0, 10)}`}
        </span>
      </div>
    </section>
  )
}

function Identities({ identities }: Pick<AccessAnswer, "identities">) {
  const [role, setRole] = useState("all")
  const [text, setText] = useState("")
  const roles = ["all", ...new Set(identities.map((identity) => identity.role))]
  const shown = identities.filter((identity) => {
    const isWanted = role === "all" || identity.role === role
    return isWanted && JSON.stringify(identity).toLowerCase().includes(text.trim().toLowerCase())
  })
  return (
    <section className="card" aria-labelledby="identities">
      <header>
        <h2 id="identities">Identities</h2>
        <span className="row">
          {roles.map((name) => (
            <button
              key={name}
              type="button"
              className="button tiny"
              aria-pressed={name === role}
              onClick={() => setRole(name)}
            >
              {name}
            </button>
          ))}
          <input
            className="field"
            type="search"
            aria-label="Filter identities"
            placeholder="Filter"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
      </header>
      {shown.length === 0 ? (
        <State title="No identity fits" />
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Identity</th>
                <th scope="col">Role</th>
                <th scope="col">Grant</th>
                <th scope="col">Owner</th>
                <th scope="col">Ends</th>
                <th scope="col">Last seen</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((identity) => (
                <IdentityRow key={`${identity.role} ${identity.id}`} identity={identity} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function IdentityRow({ identity }: { readonly identity: Identity }) {
  const { id, role, grant, owner, reason, expires, lastSeen, flags } = identity
  return (
    <tr>
      <td className="wrap">
        <span title={id}>{shortIdentity(id)}</span>
        {flags.map((flag) => (
          <span key={flag}>
            {" "}
            <span className="tag" data-tone="fair">
              {lineOf(flag)}
            </span>
          </span>
        ))}
        {typeof reason === "string" && <div className="small quiet">{lineOf(reason)}</div>}
      </td>
      <td>{lineOf(role)}</td>
      <td className="wrap">
        <GrantText grant={grant} />
      </td>
      <td>{owner ?? <span className="quiet">nobody</span>}</td>
      <td>
        {expires === null || expires === undefined ? (
          <span className="quiet">never</span>
        ) : (
          <Moment at={expires} digits="s" />
        )}
      </td>
      <td>
        {lastSeen === null || lastSeen === undefined ? (
          <span className="quiet">never</span>
        ) : (
          <Age at={lastSeen} />
        )}
      </td>
    </tr>
  )
}

/** What may be written or seen, a line for each part of the grant. */
function GrantText({ grant }: { readonly grant: unknown }) {
  if (typeof grant !== "object" || grant === null || Array.isArray(grant))
    return <span className="mono">{lineOf(grant)}</span>
  const parts = Object.entries(grant).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  )
  return (
    <span className="grant-text small">
      {parts.map(([name, value]) => (
        <span key={name}>
          <span className="quiet">{name}</span>{" "}
          <code>{Array.isArray(value) ? value.map(lineOf).join(", ") : lineOf(value)}</code>
        </span>
      ))}
    </span>
  )
}
