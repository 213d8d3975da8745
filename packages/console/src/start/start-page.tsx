import { formatAddress } from "../address/index.ts"
import type { StatusAnswer } from "../api/index.ts"
import { Copyable, formatCount } from "../look/index.ts"
import { SourceList } from "./source-list.tsx"

const send = `echo '{"action":"invoice.deleted","actor":"alice","outcome":"success"}' | postern send --profile profiles/writer-billing.yaml`

/** @param isFirst the log holds nothing of any writer yet */
export function StartPage({
  status,
  isFirst = false,
}: {
  readonly status: StatusAnswer
  readonly isFirst?: boolean
}) {
  return (
    <div className="page narrow">
      <header>
        <h1>{isFirst ? "This log is empty" : "Connect a source"}</h1>
        <p>
          {isFirst
            ? "The port runs and nobody has written yet. Three steps lead to the first entry; this page shows it when it comes."
            : "How another source is connected."}
        </p>
      </header>
      <ol className="first">
        <li className="card">
          <h2>Choose what is to write</h2>
          <p className="quiet">
            On the port’s machine. The command makes a certificate and a grant, prints the exact
            configuration, waits for the first event and shows it, verified.
          </p>
          <SourceList />
        </li>
        <li className="card">
          <h2>Or send one event by hand</h2>
          <p className="quiet">From the command line, as a writer of its own:</p>
          <Copyable text="postern writer add billing --config postern.yaml" />
          <Copyable text={send} />
        </li>
        <li className="card">
          <h2>See it, and check it</h2>
          <p className="quiet">
            It stands in the <a href={formatAddress("stream", { range: "all" })}>stream</a> within a
            second. Open it and press Verify: this browser works out that it is in the log. Or from
            the command line:
          </p>
          <Copyable text="postern search --profile profiles/reader.yaml" />
        </li>
      </ol>
      <p className="small quiet">
        The log has {formatCount(status.size)} entries: the port writes down its own starts, streams
        and refusals, and every reading of the log. <a href="/licences.txt">Licences</a> of what
        this page is made of.
      </p>
    </div>
  )
}
