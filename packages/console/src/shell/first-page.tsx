import { lazy } from "react"
import type { StatusAnswer } from "../api/index.ts"
import { Skeleton } from "../look/index.ts"
import { useFirstRun } from "../start/use-first-run.ts"
import { StreamPage } from "../stream/index.ts"

const StartPage = lazy(async () => ({
  default: (await import("../start/start-page.tsx")).StartPage,
}))

/** The stream; in a new log, until the first event of a writer is in it, how that is done. */
export function FirstPage({ status }: { readonly status: StatusAnswer }) {
  const isFirstRun = useFirstRun(status)
  if (isFirstRun === undefined) {
    return (
      <div className="page">
        <Skeleton lines={10} />
      </div>
    )
  }
  return isFirstRun ? <StartPage status={status} isFirst /> : <StreamPage status={status} />
}
