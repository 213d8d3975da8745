/**
 * Bytes into records: lines, octet-counted frames (RFC 6587), the items of a JSON body, messages of the forward protocol. Pure; bounded whatever
 * comes; a record is handed out as it came.
 */
export {
  chunkBytesMax,
  encodeForwardAck,
  type ForwardMessage,
  ForwardReader,
  inflatedBytesMax,
} from "./forward.ts"
export { arrayItems, memberOf } from "./json-items.ts"
export { LineSplitter, type RecordSink, recordBytesMax } from "./lines.ts"
export { OctetSplitter, type Splitter } from "./octets.ts"
