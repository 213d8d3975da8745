import type { DiskAnswer } from "../api/index.ts"
import { Age } from "./moment.tsx"
import { formatBytes } from "./text.ts"

const dayMs = 86_400_000

/** How full the log's disk is, and when it will be if it goes on like this. */
export function Disk({ disk }: { readonly disk: DiskAnswer }) {
  const { usedBytes, freeBytes, fullAt } = disk
  const used = usedBytes / Math.max(1, usedBytes + freeBytes)
  const daysLeft = fullAt === null ? Number.POSITIVE_INFINITY : (fullAt / 1000 - Date.now()) / dayMs
  const tone = daysLeft < 7 ? "bad" : daysLeft < 30 ? "fair" : "good"
  return (
    <span className="disk">
      <span>
        {formatBytes(freeBytes)} <span className="small quiet">free</span>
      </span>
      <span
        className="meter"
        data-tone={tone}
        role="img"
        aria-label={`The log takes ${Math.round(used * 100)} % of what it could`}
      >
        <span style={{ width: `${used * 100}%` }} />
      </span>
      <span className="small quiet">
        {formatBytes(usedBytes)} of log
        {fullAt === null ? (
          ", not growing"
        ) : (
          <>
            , full <Age at={fullAt} />
          </>
        )}
      </span>
    </span>
  )
}
