/** Headings in the help of `postern`; a command names the one it belongs under. */
export const helpGroups = {
  setUp: "Set up:",
  everyDay: "Every day:",
  check: "Check:",
} as const
