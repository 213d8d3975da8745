import { type Address, formatAddress, type PageName } from "../address/index.ts"
import type { StatusAnswer } from "../api/index.ts"
import { basket, theme, useKept, zone } from "../kept/index.ts"
import { formatCount, Icon, type IconName, Mark, shortIdentity } from "../look/index.ts"

const links: readonly {
  readonly page: PageName
  readonly icon: IconName
  readonly label: string
}[] = [
  { page: "stream", icon: "stream", label: "Stream" },
  { page: "writers", icon: "writers", label: "Writers" },
  { page: "port", icon: "port", label: "Port" },
  { page: "access", icon: "access", label: "Access" },
  { page: "policy", icon: "policy", label: "Policy" },
  { page: "log", icon: "log", label: "Log" },
  { page: "evidence", icon: "evidence", label: "Evidence" },
  { page: "alerts", icon: "alerts", label: "Alerts" },
  { page: "start", icon: "start", label: "Connect" },
]

interface SideProps {
  readonly address: Address
  readonly status: StatusAnswer | undefined
  readonly isLost: boolean
}

export function Side({ address, status, isLost }: SideProps) {
  const held = useKept(basket).length
  const current = address.page === "entry" ? "stream" : address.page
  return (
    <div className="side">
      <a className="brand" href={formatAddress("stream")}>
        <Mark />
        <span>Postern</span>
      </a>
      <nav aria-label="Pages">
        {links.map(({ page, icon, label }) => (
          <a
            key={page}
            href={formatAddress(page)}
            aria-current={page === current ? "page" : undefined}
            title={label}
          >
            <Icon name={icon} />
            <span className="label">{label}</span>
            {page === "evidence" && held > 0 && (
              <span className="count">
                {held}
                <span className="visually-hidden"> collected</span>
              </span>
            )}
          </a>
        ))}
      </nav>
      <div className="foot">
        <Standing status={status} isLost={isLost} />
        <Switches />
      </div>
    </div>
  )
}

/** Which log this is, how large, how far it is signed, and as whom one looks at it. */
function Standing({ status, isLost }: Omit<SideProps, "address">) {
  if (status === undefined) return null
  const { origin, size, lag, reader, see } = status
  return (
    <dl>
      {isLost && (
        <>
          <dt>Connection</dt>
          <dd className="tag" data-tone="bad">
            no answer
          </dd>
        </>
      )}
      <dt>Log</dt>
      <dd>{origin}</dd>
      <dt>Entries</dt>
      <dd title={`${lag} not yet under a checkpoint`}>
        {formatCount(size)}
        {lag > 0 && <span className="quiet"> ({formatCount(lag)} unsigned)</span>}
      </dd>
      <dt>You are</dt>
      <dd title={reader}>
        {shortIdentity(reader)} <span className="quiet">({see})</span>
      </dd>
    </dl>
  )
}

const themes = { system: "light", light: "dark", dark: "system" } as const

function Switches() {
  const chosen = useKept(theme)
  const chosenZone = useKept(zone)
  return (
    <div className="switches">
      <button
        type="button"
        className="button tiny"
        aria-label={`Theme: ${chosen}. Change`}
        title="Theme"
        onClick={() => theme.set(themes[chosen])}
      >
        <Icon name={chosen === "dark" ? "moon" : "sun"} />
        <span>{chosen}</span>
      </button>
      <button
        type="button"
        className="button tiny"
        aria-label={`Times in ${chosenZone === "utc" ? "UTC" : "local time"}. Change`}
        title="Times"
        onClick={() => zone.set(chosenZone === "utc" ? "local" : "utc")}
      >
        <Icon name="clock" />
        <span>{chosenZone === "utc" ? "UTC" : "local"}</span>
      </button>
    </div>
  )
}
