/**
 * Issues certificates that writers and readers ask for over their own planes (docs/spec/wire.md, Renewal): checks everything again that
 * port or reader have checked, and has the CA of this installation sign. The CA's key is read for each certificate and not held. Trusts
 * nothing that the asking process says but which connection it was.
 */
export { type RenewalWorld, renewalHandler } from "./issuing.ts"
