import { useQuery } from "@tanstack/react-query"
import { Component, lazy, type ReactNode, Suspense, useEffect } from "react"
import { type Address, type PageName, useAddress } from "../address/index.ts"
import { api, type StatusAnswer } from "../api/index.ts"
import { EntryPage } from "../entry/index.ts"
import { Answered, Failure, Skeleton } from "../look/index.ts"
import { StreamPage } from "../stream/index.ts"
import { FirstPage } from "./first-page.tsx"
import { KeysDialog } from "./keys-dialog.tsx"
import { Side } from "./side.tsx"
import { useTheme } from "./use-theme.ts"

const statusMs = 5000

const WritersPage = lazy(async () => ({
  default: (await import("../writers/index.ts")).WritersPage,
}))
const PortPage = lazy(async () => ({ default: (await import("../port/index.ts")).PortPage }))
const AccessPage = lazy(async () => ({ default: (await import("../access/index.ts")).AccessPage }))
const PolicyPage = lazy(async () => ({ default: (await import("../policy/index.ts")).PolicyPage }))
const LogPage = lazy(async () => ({ default: (await import("../log/index.ts")).LogPage }))
const EvidencePage = lazy(async () => ({
  default: (await import("../evidence/index.ts")).EvidencePage,
}))
const AlertsPage = lazy(async () => ({ default: (await import("../alerts/index.ts")).AlertsPage }))
const StartPage = lazy(async () => ({ default: (await import("../start/index.ts")).StartPage }))

const titles: Readonly<Record<PageName, string>> = {
  stream: "Stream",
  entry: "Entry",
  writers: "Writers",
  port: "Port",
  access: "Access",
  policy: "Policy",
  log: "Log",
  evidence: "Evidence",
  alerts: "Alerts",
  start: "Connect",
}

export function Shell() {
  useTheme()
  const address = useAddress()
  // Status is counted and not recorded, so it may be asked again and again.
  const status = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => api.status(signal),
    refetchInterval: statusMs,
  })
  useEffect(() => {
    document.title = `${titles[address.page]}${address.rest === "" ? "" : ` ${address.rest}`} · Postern`
  }, [address])
  return (
    <div className="shell">
      <button type="button" className="skip button" onClick={focusMain}>
        Skip to the page
      </button>
      <Side address={address} status={status.data} isLost={status.isError} />
      <main id="main" className="main" tabIndex={-1}>
        <Fence key={address.page + address.rest}>
          <Suspense fallback={<Waiting />}>
            <Answered query={status} lines={8}>
              {(answer) => <Page address={address} status={answer} />}
            </Answered>
          </Suspense>
        </Fence>
      </main>
      <KeysDialog />
    </div>
  )
}

function focusMain(): void {
  document.getElementById("main")?.focus()
}

function Waiting() {
  return (
    <div className="page">
      <Skeleton lines={10} />
    </div>
  )
}

function Page({ address, status }: { readonly address: Address; readonly status: StatusAnswer }) {
  switch (address.page) {
    case "stream":
      // A link with a question in it is answered, whatever the log holds.
      return address.parameters.size === 0 ? (
        <FirstPage status={status} />
      ) : (
        <StreamPage status={status} />
      )
    case "entry":
      return <EntryPage rest={address.rest} />
    case "writers":
      return <WritersPage />
    case "port":
      return <PortPage />
    case "access":
      return <AccessPage />
    case "policy":
      return <PolicyPage />
    case "log":
      return <LogPage status={status} />
    case "evidence":
      return <EvidencePage status={status} />
    case "alerts":
      return <AlertsPage />
    case "start":
      return <StartPage status={status} />
  }
}

/** A page that breaks takes nothing else with it. */
class Fence extends Component<
  { readonly children: ReactNode },
  { readonly error: Error | undefined }
> {
  override state: { readonly error: Error | undefined } = { error: undefined }

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return <Failure error={error} onRetry={() => this.setState({ error: undefined })} />
  }
}
