import { formatAddress } from "../address/index.ts"
import { basket, useKept } from "../kept/index.ts"
import { CopyButton, Icon } from "../look/index.ts"
import { EntryView } from "./entry-view.tsx"

/** The entry beside the list that it was opened from. */
export function EntryPanel({
  index,
  onClose,
}: {
  readonly index: number
  readonly onClose: () => void
}) {
  return (
    <aside className="panel" aria-label={`Entry ${index}`}>
      <header>
        <h2>
          Entry <span className="mono">{index.toLocaleString("en")}</span>
        </h2>
        <span className="row">
          <EvidenceToggle index={index} />
          <a className="button tiny" href={formatAddress("entry", {}, String(index))}>
            <Icon name="open" />
            Page
          </a>
          <button
            type="button"
            className="button bare tiny"
            aria-label="Close the entry"
            title="Close (Esc)"
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </span>
      </header>
      <div className="panel-body">
        <EntryView index={index} />
      </div>
    </aside>
  )
}

export function EntryPage({ rest }: { readonly rest: string }) {
  const index = Number(rest)
  const isIndex = /^\d{1,14}$/.test(rest)
  return (
    <div className="page narrow">
      <header>
        <h1>Entry {isIndex ? index.toLocaleString("en") : ""}</h1>
        {isIndex && (
          <span className="row">
            {index > 0 && (
              <a className="button tiny" href={formatAddress("entry", {}, String(index - 1))}>
                Before
              </a>
            )}
            <a className="button tiny" href={formatAddress("entry", {}, String(index + 1))}>
              Next
            </a>
            <CopyButton text={() => location.href} label="Copy link" />
            <EvidenceToggle index={index} />
          </span>
        )}
      </header>
      {isIndex ? (
        <EntryView key={index} index={index} />
      ) : (
        <p>There is no index in this address.</p>
      )}
    </div>
  )
}

function EvidenceToggle({ index }: { readonly index: number }) {
  const held = useKept(basket)
  const isHeld = held.includes(index)
  const toggle = () => {
    const others = held.filter((other) => other !== index)
    basket.set(isHeld ? others : [...others, index].sort((a, b) => a - b))
  }
  return (
    <button type="button" className="button tiny" aria-pressed={isHeld} onClick={toggle}>
      <Icon name="evidence" />
      {isHeld ? "In evidence" : "Add to evidence"}
    </button>
  )
}
