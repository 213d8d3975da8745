import { formatAddress } from "../address/index.ts"
import type { StatusAnswer } from "../api/index.ts"
import { Copyable, formatCount } from "../look/index.ts"

const sdk = `import { connect } from "@postern/client"

const audit = await connect("profiles/writer-billing.yaml")
audit("invoice.deleted", { actor: "alice", target: "invoice/4711", outcome: "success" })`

const send = `echo '{"action":"invoice.deleted","actor":"alice","outcome":"success"}' | postern send --profile profiles/writer-billing.yaml`

const curl = `curl --cacert ca.pem --cert billing.pem --key billing.key https://PORT:17514/v1/events \\
  -H 'content-type: application/json' \\
  -d '{"action":"invoice.deleted","outcome":"success","actor":{"type":"user","id":"alice"},"targets":[{"type":"invoice","id":"4711"}]}'`

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
        <h1>{isFirst ? "This log is empty" : "First steps"}</h1>
        <p>
          {isFirst
            ? "The port runs and nobody has written yet. Three steps lead to the first entry; this page shows it when it comes."
            : "How another writer is connected."}
        </p>
      </header>
      <ol className="first">
        <li className="card">
          <h2>Let a writer in</h2>
          <p className="quiet">
            On the port’s machine. It makes a certificate, a grant for one source, and a profile
            file.
          </p>
          <Copyable text="postern writer add billing --config postern.yaml" />
        </li>
        <li className="card">
          <h2>Send the first event</h2>
          <p className="quiet">From the command line, with the profile that the first step made:</p>
          <Copyable text={send} />
          <p className="quiet">In an application:</p>
          <Copyable text={sdk} />
          <p className="quiet">Or with anything that speaks HTTP:</p>
          <Copyable text={curl} />
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
