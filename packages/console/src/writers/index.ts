/** Who writes, when they were last heard, what they may, and whether anything of theirs is missing. */
export { WritersPage } from "./writers-page.tsx"
