/**
 * The sealed credential of break-glass access: its passphrase and its file (docs/spec/break-glass.md). Whether a seal may be
 * broken is for the port to say; what is opened here is of no use before it did.
 */
export { createPassphrase, halvesOf } from "./passphrase.ts"
export { readSealedId, sealProfile, unsealProfile } from "./sealed-profile.ts"
