import { formatHex } from "@postern/log/base"
import { useEffect, useState } from "react"
import { formatAddress } from "../address/index.ts"
import type { ShownEntry } from "../api/index.ts"
import { pinnedKeys } from "../kept/index.ts"
import { CopyButton, Failure, Icon, Skeleton } from "../look/index.ts"
import type { Step, Verification } from "../proof/index.ts"
import { type KeyInUse, useLogKey, useVerification } from "./use-verification.ts"

/** Works everything out again in this browser, and shows each step with its hashes. */
export function Verify({
  index,
  answer,
  atOnce = false,
}: {
  readonly index: number
  readonly answer: ShownEntry
  readonly atOnce?: boolean
}) {
  const key = useLogKey()
  const { verifying, verify } = useVerification(index, answer, key)
  const isReady = key.vkey !== undefined || key.problem !== null
  const isIdle = verifying.state === "idle"
  const [showsSteps, setShowsSteps] = useState<boolean | undefined>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the key is there
  useEffect(() => {
    if (atOnce && isReady && isIdle) void verify()
  }, [atOnce, isReady, isIdle])
  return (
    <section className="verify" aria-label="Verification">
      {isIdle && (
        <button
          type="button"
          className="button strong"
          disabled={!isReady}
          onClick={() => void verify()}
        >
          <Icon name="evidence" />
          <span>Verify in this browser</span>
        </button>
      )}
      {verifying.state === "working" && <Skeleton lines={3} />}
      {verifying.state === "broken" && (
        <Failure error={verifying.error} onRetry={() => void verify()} />
      )}
      {verifying.state === "done" && (
        <Verified
          verification={verifying.verification}
          keyInUse={key}
          showsSteps={showsSteps}
          onSteps={setShowsSteps}
          onAgain={() => void verify()}
        />
      )}
    </section>
  )
}

const titles = {
  holds: "Verified by this browser",
  failed: "FAILED. Do not rely on what this page shows",
  open: "Not fully checked",
} as const

function Verified({
  verification,
  keyInUse,
  showsSteps,
  onSteps,
  onAgain,
}: {
  readonly verification: Verification
  readonly keyInUse: KeyInUse
  /** Undefined until a person says so: then those of what does not hold are shown. */
  readonly showsSteps: boolean | undefined
  readonly onSteps: (shows: boolean) => void
  readonly onAgain: () => void
}) {
  const { state, steps, checkpoint } = verification
  const isOpen = showsSteps ?? state !== "holds"
  return (
    <div className="verdict" data-state={state} role={state === "failed" ? "alert" : "status"}>
      <h3>{titles[state]}</h3>
      <p>{leadOf(verification)}</p>
      <KeyLine keyInUse={keyInUse} />
      <div className="row">
        <button
          type="button"
          className="button tiny"
          aria-expanded={isOpen}
          onClick={() => onSteps(!isOpen)}
        >
          {isOpen ? "Hide the steps" : "Show each step"}
        </button>
        <button type="button" className="button tiny" onClick={onAgain}>
          Verify again
        </button>
        <CopyButton
          text={() =>
            JSON.stringify(
              {
                state,
                checkpoint: checkpoint?.size,
                steps: steps.map(({ path, ...step }) => step),
              },
              undefined,
              2,
            )
          }
          label="Copy the steps"
        />
      </div>
      {isOpen && (
        <ol className="steps">
          {steps.map((step) => (
            <StepLine key={step.name} step={step} />
          ))}
        </ol>
      )}
    </div>
  )
}

function leadOf({ state, steps, checkpoint }: Verification): string {
  if (state === "failed") {
    const why = steps.find((step) => step.state === "failed")?.said ?? ""
    return `${why} The answer was changed on its way, the reader is damaged, or somebody altered the log. Keep this page, and compare with another reader or a mirror.`
  }
  if (checkpoint === undefined || state === "open") {
    return steps.find((step) => step.state === "open")?.said ?? "A step could not be checked."
  }
  const size = checkpoint.size.toLocaleString("en")
  return `The leaf shown here is in the log, unchanged since the checkpoint of ${size} entries was signed. Whether what it says is true is the writer’s word.`
}

/** Says plainly whose word the key is, and lets a person pin one. */
function KeyLine({ keyInUse }: { readonly keyInUse: KeyInUse }) {
  const { vkey, isPinned, served, log } = keyInUse
  if (vkey === undefined || log === undefined) {
    return (
      <p className="small">
        The server gives no key of the log. <a href={formatAddress("log")}>Pin one</a> to check
        signatures.
      </p>
    )
  }
  const pin = () => pinnedKeys.set({ ...pinnedKeys.get(), [log.origin]: vkey })
  return (
    <div className="small">
      {isPinned ? (
        <p>
          Key: the one you pinned in this browser
          {served !== vkey && " (the server names a newer one)"}.
        </p>
      ) : (
        <p>
          The key came from the same server as the answer: a server that lies could have sent both.
          Compare it with the one in your profile, then pin it.{" "}
          <button type="button" className="button tiny" onClick={pin}>
            <Icon name="key" />
            Pin this key
          </button>
        </p>
      )}
      <code className="wrap quiet">{vkey}</code>
    </div>
  )
}

const stepWords = { holds: "holds", failed: "FAILED", open: "not checked" } as const

function StepLine({ step }: { readonly step: Step }) {
  return (
    <li className="step" data-state={step.state}>
      <div className="row spread">
        <h4>{step.name}</h4>
        <span
          className="tag"
          data-tone={step.state === "holds" ? "good" : step.state === "failed" ? "bad" : "fair"}
        >
          {stepWords[step.state]}
        </span>
      </div>
      <p>{step.said}</p>
      {step.facts.length > 0 && (
        <dl className="hashes">
          {step.facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {step.path !== undefined && step.path.length > 0 && (
        <details>
          <summary>{step.path.length} hashes of the path</summary>
          <ol className="path">
            {step.path.map(({ side, sibling, result }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a hash is its place in the path
              <li key={i}>
                <span className="quiet">{side}</span> <code>{formatHex(sibling)}</code>
                <br />
                <span className="quiet">gives</span> <code>{formatHex(result)}</code>
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  )
}
