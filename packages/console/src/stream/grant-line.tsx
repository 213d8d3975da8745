import { useQuery } from "@tanstack/react-query"
import { type AccessAnswer, api, type StatusAnswer } from "../api/index.ts"
import { lineOf } from "../look/index.ts"

/** An investigator has to know that this is not all there is. Its own line of the access list says what it is shown. */
export function GrantLine({ status }: { readonly status: StatusAnswer }) {
  const isNarrow = status.see === "investigator"
  const { data } = useQuery({
    queryKey: ["access"],
    queryFn: ({ signal }) => api.access(signal),
    enabled: isNarrow,
  })
  if (!isNarrow) return null
  const query = queryIn(data, status.reader)
  return (
    <p className="small quiet" role="status">
      Your grant shows only {query === undefined ? "a part of the log" : <code>{query}</code>}:
      entries, counts and values are of that alone.
    </p>
  )
}

function queryIn(access: AccessAnswer | undefined, reader: string): string | undefined {
  const own = access?.identities.find(({ id }) => id === reader)?.grant
  const query = (own as { readonly query?: unknown } | null | undefined)?.query
  return typeof query === "string" ? lineOf(query) : undefined
}
