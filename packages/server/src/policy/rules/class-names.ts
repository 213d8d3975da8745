/** Whose events are never dropped, sampled or deduplicated, in the order in which a class is looked for (docs/spec/policy.md). */
export const mandatoryClasses = [
  ...["log", "break-glass", "denial", "authentication", "grant", "key"],
  ...["configuration", "export", "delete"],
] as const

/** What a policy may say that an action is. */
export const sayableClasses = ["read", "change", "system"] as const

/** `unknown` is mandatory as well. */
export const classNames = [...mandatoryClasses, ...sayableClasses, "unknown"] as const

export type ClassName = (typeof classNames)[number]
