import { useMutation } from "@tanstack/react-query"
import { type AlertTestAnswer, api, ProblemError } from "../api/index.ts"
import { lineOf } from "../look/index.ts"

/** Tells the webhooks of an alert that this is a test: nothing is raised by it. */
export function TestButton({ name }: { readonly name: string }) {
  const test = useMutation({ mutationFn: () => api.testAlert(name) })
  return (
    <>
      <button
        type="button"
        className="button tiny"
        disabled={test.isPending}
        onClick={() => test.mutate()}
      >
        {test.isPending ? "Sending" : "Test"}
        <span className="visually-hidden"> {name}</span>
      </button>
      <div className="small" role="status">
        {test.error !== null && <p className="bad">{wordsFor(test.error)}</p>}
        {test.data?.results.map((result) => (
          <Told key={result.webhook} result={result} />
        ))}
      </div>
    </>
  )
}

/** Of a question that is not acceptable, the case says more than what all such questions have in common. */
function wordsFor(error: Error): string {
  const isRefused = error instanceof ProblemError && error.code === "REQUEST_INVALID"
  return `Not sent: ${(isRefused ? error.detail : undefined) ?? error.message}.`
}

function Told({ result }: { readonly result: AlertTestAnswer["results"][number] }) {
  const { webhook, status, answer } = result
  const isTaken = status !== null && status >= 200 && status < 300
  return (
    <p className={isTaken ? undefined : "bad"} data-taken={isTaken}>
      {lineOf(webhook)} {saidBy(status)}
      {answer === "" ? "" : `: ${lineOf(answer)}`}
    </p>
  )
}

/** As docs/operating/alerts.md has it: any 2xx is taken, and everything else is not. */
function saidBy(status: number | null): string {
  if (status === null) return "did not answer"
  if (status >= 200 && status < 300) return `took it (${status})`
  return `did not take it (${status})`
}
