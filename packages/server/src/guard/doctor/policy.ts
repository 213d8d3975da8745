import type { Finding } from "../exposure/index.ts"
import type { PortStatus } from "./standing.ts"

/**
 * Whether the port works by the policy that is on disk. Pure.
 * @param onDisk its digest
 */
export function judgePolicy(
  { policy, policyProblem }: Pick<PortStatus, "policy" | "policyProblem">,
  onDisk: string,
): Finding[] {
  const about = { subject: "policy", severity: "high" } as const
  const isTaken = policyProblem === undefined
  const isSame = policy?.digest === onDisk
  const shown = (digest: string) => digest.slice(0, 16)
  return [
    {
      ...{ ...about, id: "policy.accepted", result: isTaken ? "ok" : "fail" },
      evidence: policyProblem ?? "the newest policy that the port was given is in force",
      fix: isTaken ? "" : "correct policy.yaml; the old policy stays in force until then",
    },
    {
      ...{ ...about, id: "policy.applied" },
      result: policy === undefined ? "unknown" : isSame ? "ok" : "warn",
      evidence:
        policy === undefined
          ? "the port did not say which policy it works by"
          : isSame
            ? `${shown(onDisk)} is in force`
            : `${shown(policy.digest)} is in force, ${shown(onDisk)} on disk`,
      fix: isSame ? "" : "postern policy diff, then postern policy apply",
    },
  ]
}
