import { QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { createRoot } from "react-dom/client"
import { dropToken } from "./api/index.ts"
import { Shell } from "./shell/index.ts"

dropToken()

/** Every question is recorded in the log: nothing is asked twice because a window came to the front. */
const client = new QueryClient({
  defaultOptions: {
    queries: {
      retry: false,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      staleTime: 30_000,
      gcTime: 60_000,
    },
  },
})

const root = document.getElementById("root")
if (root === null) throw new Error("the page has no root")
createRoot(root).render(
  <QueryClientProvider client={client}>
    <Shell />
  </QueryClientProvider>,
)
