import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { formatAddress, go } from "../address/index.ts"
import { api } from "../api/index.ts"
import { type SavedQuestion, savedQuestions, useKept } from "../kept/index.ts"
import { Icon } from "../look/index.ts"

const readyMade = [
  { name: "Denied", query: "outcome:denied" },
  { name: "Without the port’s own entries", query: "NOT action:postern.*" },
  {
    name: "Who read the log",
    query: "action:(postern.read OR postern.tail.opened OR postern.evidence)",
  },
  {
    name: "What is known to be missing",
    query: "action:(postern.stream.gap OR postern.refused)",
  },
]

/** Questions that come along, that were kept in this browser, and that the installation has. */
export function SavedList({
  parameters,
  close,
}: {
  readonly parameters: URLSearchParams
  readonly close: () => void
}) {
  const own = useKept(savedQuestions)
  const { data } = useQuery({ queryKey: ["alerts"], queryFn: ({ signal }) => api.alerts(signal) })
  const follow = (hash: string) => {
    go(hash)
    close()
  }
  const ask = (query: string) => follow(formatAddress("stream", { q: query, range: "all" }))
  return (
    <>
      <KeepForm parameters={parameters} />
      {own.length > 0 && <p className="group">Kept in this browser</p>}
      {own.map((question) => (
        <OwnQuestion key={question.name} question={question} onFollow={follow} />
      ))}
      <Group title="Ready-made" questions={readyMade} onAsk={ask} />
      <Group title="Of this installation" questions={data?.questions ?? []} onAsk={ask} />
    </>
  )
}

function KeepForm({ parameters }: { readonly parameters: URLSearchParams }) {
  const [name, setName] = useState("")
  const keep = () => {
    if (name.trim() === "") return
    const address = new URLSearchParams(parameters)
    address.delete("entry")
    const others = savedQuestions.get().filter((question) => question.name !== name.trim())
    savedQuestions.set([...others, { name: name.trim(), address: address.toString() }])
    setName("")
  }
  return (
    <div className="row keep">
      <input
        className="field"
        aria-label="Name for this question"
        placeholder="Name for this question"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="button" className="button" onClick={keep}>
        Keep
      </button>
    </div>
  )
}

function OwnQuestion({
  question,
  onFollow,
}: {
  readonly question: SavedQuestion
  readonly onFollow: (hash: string) => void
}) {
  const { name, address } = question
  const forget = () => savedQuestions.set(savedQuestions.get().filter((one) => one.name !== name))
  return (
    <div className="row nowrap">
      <button type="button" className="choice" onClick={() => onFollow(`#/stream?${address}`)}>
        <span className="grow">{name}</span>
      </button>
      <button
        type="button"
        className="button bare tiny"
        aria-label={`Forget ${name}`}
        onClick={forget}
      >
        <Icon name="close" />
      </button>
    </div>
  )
}

interface GroupProps {
  readonly title: string
  readonly questions: readonly {
    readonly name: string
    readonly query: string
    readonly description?: string
  }[]
  readonly onAsk: (query: string) => void
}

function Group({ title, questions, onAsk }: GroupProps) {
  if (questions.length === 0) return null
  return (
    <>
      <p className="group">{title}</p>
      {questions.map(({ name, query, description }) => (
        <button
          key={name}
          type="button"
          className="choice"
          title={query}
          onClick={() => onAsk(query)}
        >
          <span className="grow">{name}</span>
          <span className="small quiet">{description}</span>
        </button>
      ))}
    </>
  )
}
