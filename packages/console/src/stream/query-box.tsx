import {
  type ChangeEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useId,
  useState,
} from "react"
import { type Completion, ProblemError } from "../api/index.ts"
import { formatCount, Icon } from "../look/index.ts"
import { faultOf, mend, type QueryFault, readFault } from "./query-language.ts"
import { useOffers } from "./use-offers.ts"

interface QueryBoxProps {
  readonly value: string
  readonly field: RefObject<HTMLInputElement | null>
  /** What the server said of the query that was asked last. */
  readonly refused: Error | undefined
  readonly onAsk: (query: string) => void
}

/** The question, with completion and with what is wrong underlined where it is wrong. */
export function QueryBox({ value, field, refused, onAsk }: QueryBoxProps) {
  const [text, setText] = useState(value)
  const id = useId()
  useEffect(() => setText(value), [value])
  const fault = faultShown(text, value, refused)
  const ask = (query: string) => {
    setText(query)
    onAsk(query.trim())
  }
  return (
    <search className="query">
      <Icon name="search" />
      <Field {...{ id, text, setText, field, fault, ask }} />
      {text !== "" && (
        <button
          type="button"
          className="button bare tiny"
          aria-label="Clear the question"
          onClick={() => ask("")}
        >
          <Icon name="close" />
        </button>
      )}
      <button type="button" className="button strong" onClick={() => ask(text)}>
        Ask
      </button>
      <FaultLine id={`${id}-fault`} text={text} fault={fault} onAsk={ask} />
    </search>
  )
}

interface FieldProps {
  readonly id: string
  readonly text: string
  readonly field: RefObject<HTMLInputElement | null>
  readonly fault: QueryFault | undefined
  readonly setText: (text: string) => void
  readonly ask: (query: string) => void
}

function Field({ id, text, setText, field, fault, ask }: FieldProps) {
  const offering = useOffering(text, setText, field, ask)
  const { items, active } = offering
  return (
    <div className="query-field">
      <Underlined text={text} fault={fault} field={field} />
      <input
        ref={field}
        role="combobox"
        aria-label="Question"
        aria-expanded={items.length > 0}
        aria-controls={id}
        aria-autocomplete="list"
        aria-invalid={fault !== undefined}
        aria-describedby={`${id}-fault`}
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        placeholder='outcome:denied actor:alice "export done"   ( / )'
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        value={text}
        onChange={offering.changed}
        onClick={offering.follow}
        onBlur={offering.close}
        onKeyDown={offering.press}
      />
      <OfferList id={id} items={items} active={active} onTake={offering.take} />
    </div>
  )
}

/** What is offered at the caret, which of it is active, and what keys do with it. */
function useOffering(
  text: string,
  setText: (text: string) => void,
  field: RefObject<HTMLInputElement | null>,
  ask: (query: string) => void,
) {
  const [caret, setCaret] = useState<number | undefined>(undefined)
  const [active, setActive] = useState(-1)
  const { from, to, items } = useOffers(text, caret)
  const at = (position: number | undefined) => {
    setCaret(position)
    setActive(-1)
  }
  const take = (offer: string) => {
    const end = from + offer.length
    setText(text.slice(0, from) + offer + text.slice(to))
    at(end)
    requestAnimationFrame(() => field.current?.setSelectionRange(end, end))
  }
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0
    const chosen = items[active]
    if (step !== 0 && items.length > 0) {
      setActive((Math.max(active, step < 0 ? 0 : -1) + step + items.length) % items.length)
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen !== undefined) {
      take(chosen.text)
    } else if (event.key === "Enter") {
      at(undefined)
      ask(text)
    } else if (event.key === "Escape") {
      event.stopPropagation()
      if (items.length > 0) at(undefined)
      else field.current?.blur()
    } else return
    event.preventDefault()
  }
  return {
    ...{ items, active, take, press },
    close: () => at(undefined),
    follow: () => at(field.current?.selectionStart ?? undefined),
    changed: (event: ChangeEvent<HTMLInputElement>) => {
      setText(event.target.value)
      at(event.target.selectionStart ?? undefined)
    },
  }
}

function OfferList(props: {
  readonly id: string
  readonly items: readonly Completion[]
  readonly active: number
  readonly onTake: (offer: string) => void
}) {
  const { id, items, active, onTake } = props
  return (
    <div
      id={id}
      role="listbox"
      aria-label="Completions"
      className="offers"
      hidden={items.length === 0}
    >
      {items.map((item, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: its keys are those of the field
        <div
          key={item.text}
          id={`${id}-${i}`}
          role="option"
          aria-selected={i === active}
          className="offer"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onTake(item.text)}
        >
          <code>{item.text}</code>
          <span className="quiet small">{item.about}</span>
          {item.count !== undefined && (
            <span className="quiet small number">{formatCount(item.count)}</span>
          )}
        </div>
      ))}
    </div>
  )
}

/** What is typed is read here at every stroke; what the server refused is said as long as nothing is changed. */
function faultShown(
  text: string,
  asked: string,
  refused: Error | undefined,
): QueryFault | undefined {
  const own = faultOf(text)
  if (own !== undefined) return own
  const isRefusal = refused instanceof ProblemError && refused.code === "QUERY_INVALID"
  return isRefusal && text === asked ? readFault(refused, text) : undefined
}

/** The same text behind the field, of which only the wavy line is seen. */
function Underlined({
  text,
  fault,
  field,
}: {
  readonly text: string
  readonly fault: QueryFault | undefined
  readonly field: RefObject<HTMLInputElement | null>
}) {
  const [shift, setShift] = useState(0)
  useEffect(() => {
    const element = field.current
    if (element === null) return
    const follow = () => setShift(element.scrollLeft)
    element.addEventListener("scroll", follow)
    return () => element.removeEventListener("scroll", follow)
  }, [field])
  if (fault === undefined) return null
  const end = fault.at + fault.length
  return (
    <div className="underlay" aria-hidden="true">
      <span style={{ transform: `translateX(${-shift}px)` }}>
        {text.slice(0, fault.at)}
        <u>{fault.length === 0 || fault.at >= text.length ? " " : text.slice(fault.at, end)}</u>
        {text.slice(end)}
      </span>
    </div>
  )
}

function FaultLine({
  id,
  text,
  fault,
  onAsk,
}: {
  readonly id: string
  readonly text: string
  readonly fault: QueryFault | undefined
  readonly onAsk: (query: string) => void
}) {
  return (
    <p id={id} className="fault" aria-live="polite" hidden={fault === undefined}>
      {fault !== undefined && <span>{fault.said}</span>}
      {fault?.suggestion !== undefined && (
        <button type="button" className="button tiny" onClick={() => onAsk(mend(text, fault))}>
          Use <code>{mend(text, fault)}</code>
        </button>
      )}
    </p>
  )
}
