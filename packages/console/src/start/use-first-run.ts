import { useQuery } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { api, followTail, type StatusAnswer } from "../api/index.ts"

/** A log that is longer than this is no new one, and nobody has to be asked. */
const newMax = 500
const byWriters = "NOT action:postern.*"

/**
 * Whether no writer has written yet. Asked once, and then the log is followed: asking again and again would itself fill it.
 * Undefined until it is known.
 */
export function useFirstRun(status: StatusAnswer): boolean | undefined {
  const mayBeNew = status.size < newMax && status.see !== "monitor"
  const [hasCome, setHasCome] = useState(false)
  const query = useQuery({
    queryKey: ["first-run"],
    queryFn: ({ signal }) => api.search({ q: byWriters, order: "asc", limit: 1 }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: mayBeNew,
  })
  const { data } = query
  const isEmpty = mayBeNew && data?.complete === true && data.entries.length === 0
  const size = data?.size ?? 0
  useEffect(() => {
    if (!isEmpty || hasCome) return
    const nothing = () => undefined
    return followTail(byWriters, size - 1, {
      onEntry: () => setHasCome(true),
      onState: nothing,
      onEnd: nothing,
    })
  }, [isEmpty, hasCome, size])
  if (!mayBeNew || query.isError) return false
  return data === undefined ? undefined : isEmpty && !hasCome
}
