/** Who may write and read, since when unused, until when, and how the review of it stands. */
export { AccessPage } from "./access-page.tsx"
