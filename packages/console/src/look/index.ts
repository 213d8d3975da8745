/** How things look: pieces that every page uses, and how times, counts and foreign text are written. Knows no page. */
export { Copyable, CopyButton, copyText } from "./copy.tsx"
export { Disk } from "./disk.tsx"
export { Icon, type IconName, Mark } from "./icons.tsx"
export { Age, Moment } from "./moment.tsx"
export { Outcome } from "./outcome.tsx"
export { PopoverButton } from "./popover.tsx"
export { Answered, Failure, Partial, Skeleton, State } from "./state.tsx"
export {
  counted,
  exactMoment,
  formatAge,
  formatBytes,
  formatCount,
  formatMoment,
  formatSpan,
  lineOf,
  shortIdentity,
  visible,
} from "./text.ts"
export { Witnesses } from "./witnesses.tsx"
