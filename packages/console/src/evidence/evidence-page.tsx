import type { StatusAnswer } from "../api/index.ts"
import { useLogKey } from "../entry/index.ts"
import { Basket } from "./basket.tsx"
import { FileCheck } from "./file-check.tsx"

export function EvidencePage({ status }: { readonly status: StatusAnswer }) {
  const key = useLogKey()
  return (
    <div className="page">
      <header>
        <h1>Evidence</h1>
        <p>
          An evidence file proves to anybody who has the log’s key that entries stand in the log as
          shown, without asking the port or a reader.
        </p>
      </header>
      <div className="columns even">
        <Basket keyInUse={key} origin={status.origin} />
        <FileCheck keyInUse={key} />
      </div>
    </div>
  )
}
