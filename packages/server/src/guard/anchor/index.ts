/**
 * Time stamps of others over our checkpoints (RFC 3161): the request as bytes to carry to an authority, and what its
 * answer says. Works without a network, opens no connection, and checks no signature of an authority: `openssl ts` does.
 */
export { type Anchor, type AnchorRequest, Anchors } from "./anchors.ts"
export { encodeTimestampRequest } from "./timestamp-request.ts"
export { parseTimestampResponse, type TimestampResponse } from "./timestamp-response.ts"
