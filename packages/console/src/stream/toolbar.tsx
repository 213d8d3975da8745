import { formatTime, parseTime } from "@postern/log/event"
import { useState } from "react"
import type { Scope } from "../api/index.ts"
import { useKept, zone } from "../kept/index.ts"
import { CopyButton, formatMoment, PopoverButton } from "../look/index.ts"
import { columnNames, columns, columnsByDefault, shownColumns } from "./columns.tsx"
import { curlOf, searchCommand } from "./copy-forms.ts"
import type { Row } from "./row.ts"
import { SavedList } from "./saved-list.tsx"
import { type RangeName, ranges, readMoment, type StreamQuestion } from "./scope.ts"

type Change = Readonly<Record<string, string | undefined>>

/** The time range: a preset that moves along, or two times that stay. */
export function RangePicker({
  question,
  onChange,
}: {
  readonly question: StreamQuestion
  readonly onChange: (change: Change) => void
}) {
  const chosen = useKept(zone)
  const { range, since, until } = question
  const shown = (text: string | undefined) => {
    const at = text === undefined ? undefined : parseTime(text)
    return at === undefined ? "" : formatMoment(at, chosen, at % 1_000_000 === 0 ? "s" : "µs")
  }
  const label =
    range === undefined
      ? `${shown(since) || "the beginning"} – ${shown(until) || "now"}`
      : ranges[range].label
  return (
    <PopoverButton label={label} icon="clock" title="Time range">
      {(close) => (
        <>
          {Object.entries(ranges).map(([name, { label: text }]) => (
            <button
              key={name}
              type="button"
              className="choice"
              aria-current={name === range}
              onClick={() => {
                onChange({ range: name as RangeName, since: undefined, until: undefined })
                close()
              }}
            >
              {text}
            </button>
          ))}
          <TimesForm
            since={shown(since)}
            until={shown(until)}
            onTimes={(from, to) => {
              onChange({ range: undefined, since: from, until: to })
              close()
            }}
          />
        </>
      )}
    </PopoverButton>
  )
}

function TimesForm(props: {
  readonly since: string
  readonly until: string
  readonly onTimes: (since: string | undefined, until: string | undefined) => void
}) {
  const chosen = useKept(zone)
  const [since, setSince] = useState(props.since)
  const [until, setUntil] = useState(props.until)
  const [isWrong, setWrong] = useState(false)
  const take = () => {
    const [from, to] = [since, until].map((text) => readMoment(text, chosen))
    const isBad = [since, until].some(
      (text, i) => text.trim() !== "" && [from, to][i] === undefined,
    )
    setWrong(isBad)
    if (!isBad && (from !== undefined || to !== undefined)) props.onTimes(from, to)
  }
  return (
    <div className="times">
      <p className="group">Received, {chosen === "utc" ? "UTC" : "local time"}</p>
      <label>
        From
        <input
          className="field mono"
          value={since}
          placeholder="2026-11-22 13:00:00"
          onChange={(event) => setSince(event.target.value)}
        />
      </label>
      <label>
        To
        <input
          className="field mono"
          value={until}
          placeholder="now"
          onChange={(event) => setUntil(event.target.value)}
        />
      </label>
      <p className="small" role="alert" hidden={!isWrong}>
        Write a time as 2026-11-22 13:05:09, or 2026-11-22T13:05:09Z.
      </p>
      <button type="button" className="button" onClick={take}>
        Apply
      </button>
    </div>
  )
}

export function ColumnChoice() {
  const shown = useKept(shownColumns)
  return (
    <PopoverButton label="Columns" icon="columns">
      {() => (
        <fieldset className="plain-set">
          <legend className="visually-hidden">Columns</legend>
          {columnNames.map((name) => (
            <label key={name} className="choice">
              <input
                type="checkbox"
                checked={shown.includes(name)}
                onChange={(event) => {
                  const next = columnNames.filter((other) =>
                    other === name ? event.target.checked : shown.includes(other),
                  )
                  if (next.length > 0) shownColumns.set(next)
                }}
              />
              {columns[name].title}
            </label>
          ))}
          <button
            type="button"
            className="button tiny"
            onClick={() => shownColumns.set(columnsByDefault)}
          >
            As at first
          </button>
        </fieldset>
      )}
    </PopoverButton>
  )
}

/** Questions that were kept in this browser, and those of the installation. */
export function SavedChoice({ parameters }: { readonly parameters: URLSearchParams }) {
  return (
    <PopoverButton label="Saved" icon="saved" title="Saved questions">
      {(close) => <SavedList parameters={parameters} close={close} />}
    </PopoverButton>
  )
}

/** The same question elsewhere, and the rows that are here. */
export function CopyChoice({
  scope,
  rows,
}: {
  readonly scope: Scope
  readonly rows: () => readonly Row[]
}) {
  const json = () => rows().map(jsonLine).join("\n")
  return (
    <PopoverButton label="Copy" icon="copy" title="Copy this question">
      {() => (
        <div className="copies">
          <p className="group">Address of this page</p>
          <CopyButton text={() => location.href} label="Copy link" />
          <p className="group">Command line</p>
          <pre>{searchCommand(scope)}</pre>
          <CopyButton text={searchCommand(scope)} label="Copy CLI" />
          <p className="group">HTTP</p>
          <pre>{curlOf("/v1/search", scope, location.origin)}</pre>
          <CopyButton text={curlOf("/v1/search", scope, location.origin)} label="Copy cURL" />
          <p className="group">The events on the screen, one a line</p>
          <CopyButton text={json} label="Copy JSON" />
        </div>
      )}
    </PopoverButton>
  )
}

function jsonLine({ index, received, writer, event }: Row): string {
  return JSON.stringify({ index, received: formatTime(received), writer, event })
}
