/** The policy: what is kept of events, what that did since the port began, and which policy was in force before. */
export { PolicyPage } from "./policy-page.tsx"
