/**
 * Every error a person, a program or a metric can meet has its line here: a stable code, who must act, an HTTP
 * status, what happened and what to do next. docs/reference/errors.md is compared with this table by a test.
 *
 * kind `refused`: the sender is wrong and repeating will not help · `busy`: repeat later · `broken`: this side
 * is wrong or damaged, an operator must look · `fatal`: the state is unknown, the process stops, recovery decides.
 */
export interface ErrorLine {
  readonly kind: "refused" | "busy" | "broken" | "fatal"
  readonly status: number
  readonly message: string
  readonly hint: string
}

export const errorRegistry = {
  // Events: one event is refused, its neighbours are not.
  EVENT_SYNTAX: line("refused", 400, "the event is not one strict JSON object", "send RFC 8259 JSON, one object per event, without comments or trailing commas"),
  EVENT_UTF8: line("refused", 400, "the event is not valid UTF-8", "encode the event as UTF-8 (RFC 3629), without overlong forms or surrogates"),
  EVENT_DEPTH: line("refused", 400, "the event nests deeper than 32 levels", "flatten the value, or send it as a string under data"),
  EVENT_DUPLICATE_KEY: line("refused", 400, "a top-level key stands twice", "send each top-level key once"),
  EVENT_ESCAPED_KEY: line("refused", 400, "a top-level key is written with an escape", "write top-level keys as plain letters"),
  EVENT_UNKNOWN_KEY: line("refused", 400, "a top-level key is not part of event v1", "put your own fields under data; docs/spec/event.md lists the keys"),
  EVENT_MISSING_FIELD: line("refused", 400, "a required field is missing", "an event needs id, time, source, action, outcome, actor and targets"),
  EVENT_FIELD_TYPE: line("refused", 400, "a field has the wrong JSON type", "docs/spec/event.md lists the type of each field"),
  EVENT_FIELD_VALUE: line("refused", 400, "a field has a value outside its range", "docs/spec/event.md lists the range of each field"),
  EVENT_VERSION: line("refused", 400, "the event's version is not 1", "leave v out or send 1"),
  EVENT_TOO_LARGE: line("refused", 413, "the event is larger than the grant allows, or too large for an entry even without its optional members", "send a smaller event, or ask for more with eventBytes in access.yaml; only reason, origin, request, response, trace, labels, data, onBehalfOf, changes and subjects can be kept beside the entry"),
  EVENT_DISCLOSURE: line("refused", 400, "the event names values that were not handed over", "leave _sd out; the SDK and the port keep large values out of an event by themselves; or the port's policy would take a value out of it in a way that could not be undone: docs/spec/policy.md, Pointers, lists the cases"),
  EVENT_SELF_ACTION: line("refused", 403, "actions under postern. are the port's own", "use another action name"),
  EVENT_NOT_KEPT: line("refused", 422, "the policy of this port keeps less than all of these events", "nothing needs to be done: it is meant so, and counted in the log; the operator sees why with postern policy explain"),
  EVENT_SOURCE_NOT_GRANTED: line("refused", 403, "the writer's grant does not cover this source", "add the source to the writer's grant in access.yaml"),
  EVENT_ACTION_NOT_GRANTED: line("refused", 403, "the writer's grant does not cover this action", "add the action to the writer's grant in access.yaml"),

  // Frames and streams: the connection is closed after a GOAWAY, or the request is answered.
  FRAME_TYPE: line("refused", 400, "the frame's type is unknown here", "docs/spec/wire.md lists the frames of postern/1"),
  FRAME_LENGTH: line("refused", 413, "the frame is empty or longer than 1 MiB", "split the batch into smaller frames"),
  FRAME_SYNTAX: line("refused", 400, "the frame's body does not follow docs/spec/wire.md", "check the encoder against the vectors in docs/spec/vectors"),
  FRAME_ORDER: line("refused", 409, "the frame may not stand here", "send HELLO first and once, OPEN before BATCH"),
  FRAME_TIMEOUT: line("refused", 408, "a frame or a disclosure was not completed in time", "send frames whole; a frame has 30 seconds, and so has a disclosure"),
  DISCLOSURE_SYNTAX: line("refused", 400, "a disclosure is not what its digest says", "docs/spec/disclosures.md says what the digest is of, docs/spec/wire.md how a disclosure is cut into frames"),
  BATCH_EVENTS: line("refused", 413, "the batch holds no event or more than 10,000", "send 1 to 10,000 events a batch"),
  CREDIT_EXCEEDED: line("refused", 429, "more bytes were sent than the port had granted", "wait for CREDIT or ACK before sending more"),
  STREAM_HOLE: line("refused", 409, "the sequence is ahead of what the port expects", "resend from the expected sequence, or declare the loss with a GAP frame"),
  STREAM_EQUIVOCATION: line("refused", 422, "a sequence was sent twice with different content", "open a new stream; the attempt is in the log"),
  STREAM_UNKNOWN: line("refused", 409, "the batch names a channel on which no stream is open", "send OPEN first"),
  STREAM_LIMIT: line("refused", 429, "the writer has too many open streams", "close streams that are done"),
  STREAM_SIGNATURE: line("refused", 422, "what the writer signed is not its stream", "sign the chain digest at the next sequence with the key of the certificate that this connection showed"),
  AUDIT_AHEAD: line("refused", 409, "the writer has seen a larger checkpoint than this log has published", "one of the two is wrong: keep the writer's checkpoint, it is in its spool directory; was the log restored from an old copy?"),
  STREAM_FOREIGN: line("refused", 403, "the stream belongs to another writer", "open a stream with an id of your own"),
  ANSWERS_UNREAD: line("refused", 408, "the peer does not take what it is told", "read what the port sends as it comes; it is waited for 10 seconds"),
  IDLE_TIMEOUT: line("refused", 408, "nothing was received for too long", "send PING when idle, or reconnect when there is something to say"),
  SYSLOG_FRAMING: line("refused", 400, "the bytes are no syslog messages that the port can tell apart", "frame each message with its length (RFC 5425) or end it with LF; nothing longer than 16 MiB is passed over"),
  SYSLOG_TIMEOUT: line("refused", 408, "a syslog message was not completed in time", "send messages whole; a message has 30 seconds from its first byte"),

  // Identity and access.
  TLS_HANDSHAKE: line("refused", 403, "the TLS handshake failed", "use TLS 1.3 and a certificate of the CA that this port trusts"),
  CERTIFICATE_REFUSED: line("refused", 403, "the client certificate is not acceptable", "it needs exactly one SPIFFE URI, the clientAuth usage, a validity that covers now, and our CA"),
  CERTIFICATE_REVOKED: line("refused", 403, "the client certificate was revoked", "it stands in access.yaml under revoked, by its serial number or key; ask the operator for a new certificate with a new key"),
  APPROVAL_INVALID: line("refused", 403, "an operator's statement does not count", "docs/spec/approvals.md says when one counts; sign a new one"),
  APPROVAL_MISSING: line("refused", 403, "the change weakens and was not approved by enough operators", "see what it is with postern access diff; each approver signs it with postern access approve"),
  RENEWAL_EARLY: line("refused", 409, "the certificate is too young to be renewed", "ask again when a third of its life is over; the SDK asks at half"),
  RENEWAL_REFUSED: line("refused", 403, "no new certificate is given for this request", "it takes a PKCS#10 request in DER for a new P-256 key, signed by that key, and an identity of the access list; docs/spec/wire.md, Renewal"),
  RENEWAL_FAILED: line("broken", 500, "the certificate that was issued is not acceptable", "compare pki.ca with the CA of pki.caKey; the process that was asked wrote a line about it to its standard error"),
  RENEWAL_LATE: line("broken", 500, "little of the certificate's life is left and it was not renewed", "the reason stands beside it; postern pki renew on the port's machine makes a new one by hand"),
  ALPN_REFUSED: line("refused", 403, "the negotiated protocol is not spoken here", "offer postern/1 or http/1.1"),
  NOT_GRANTED: line("refused", 403, "this identity holds no grant for that", "ask the operator to add the identity to access.yaml (postern writer add, postern reader add)"),
  ADAPTER_NOT_GRANTED: line("refused", 403, "the writer's grant does not cover this way in", "add the adapter to the writer's grant in access.yaml"),
  RATE_LIMITED: line("busy", 429, "the writer is over its granted rate", "slow down, or ask for a higher rate in access.yaml"),
  CONNECTION_LIMIT: line("busy", 503, "too many connections", "reuse connections; one is enough for a process"),

  // The loopback door (postern console).
  DOOR_FOREIGN: line("refused", 403, "the request does not come from the console's own page", "open the address that postern console printed, as it was printed"),
  DOOR_SESSION: line("refused", 401, "this browser has no session at the door", "open the link that postern console printed; Enter in its terminal prints a fresh one"),
  DOOR_GUESSED: line("busy", 429, "too many links were wrong", "wait a minute, then press Enter in the terminal of postern console for a fresh link"),

  // HTTP.
  HTTP_ROUTE: line("refused", 404, "there is nothing at this path", "POST /v1/events, /v1/kubernetes/audit or /v1/certificate on the write port; GET /openapi.json on the read port"),
  HTTP_METHOD: line("refused", 405, "this path does not take that method", "see Allow"),
  HTTP_CONTENT_TYPE: line("refused", 415, "the content type is not taken here", "send what docs/reference/write-http.md names for this path, such as application/json"),
  HTTP_ENCODING: line("refused", 415, "the content encoding is not taken here", "send identity or gzip"),
  HTTP_BODY_TOO_LARGE: line("refused", 413, "the body is too large", "send at most 8 MiB and 50,000 events a request, 16 MiB unpacked, at most 100 times the packed size"),
  HTTP_BODY_SYNTAX: line("refused", 400, "the body cannot be read", "send what docs/reference/write-http.md names for this path, such as one JSON event or an array of events"),
  HTTP_TIMEOUT: line("refused", 408, "the request was not completed in time", "send header within 10 seconds and body within 30"),
  REQUEST_INVALID: line("refused", 400, "a parameter is not acceptable", "GET /openapi.json describes every parameter"),
  QUERY_INVALID: line("refused", 400, "the query cannot be read", "docs/spec/query.md has the language; at, length and suggestion say what to change"),
  NOT_FOUND: line("refused", 404, "there is no such thing in the log", "check the index against the size in /checkpoint"),
  ENTRY_PRUNED: line("refused", 410, "the entry was removed by the log's retention rule", "its hash and every proof are still there; postern.retention.pruned in the log says what went and why (docs/spec/retention.md)"),
  RETENTION_NOT_DUE: line("refused", 409, "what was asked to go is not due", "see what is with postern retention plan; the rule stands in policy.yaml, holds in postern retention hold list"),
  ERASURE_HELD: line("refused", 409, "a hold keeps entries of this person", "see postern retention hold list; once the hold is removed, ask again"),
  ERASURE_CHANGED: line("refused", 409, "what would be erased is not what was shown", "look again: postern erase --dry-run"),

  // The port's own state.
  OVERLOADED: line("busy", 503, "the port has more in flight than it holds", "repeat after Retry-After seconds"),
  DISK_FULL: line("busy", 503, "the log's disk is full", "free space on the disk that holds the data directory; the port goes on by itself"),
  UNANSWERED: line("busy", 503, "another process of the installation did not answer in time", "is the courier running? its lines on standard error say what it does; try again later"),
  SHUTTING_DOWN: line("busy", 503, "the port is draining", "reconnect in a moment"),
  READ_UNRECORDED: line("busy", 503, "the read could not be recorded first, so it was not answered", "free space in the reader's state directory"),
  READ_FAILED: line("broken", 500, "the answer could not be made", "the reader process wrote a line about it to its standard error"),
  DISK_FAILED: line("fatal", 500, "writing the log failed", "look at the kernel log and the disk; start again, recovery decides what is durable"),
  SIGNER_UNAVAILABLE: line("busy", 503, "the signer did not sign", "is it running? look at the socket that postern.yaml names, and at the signer's own messages"),
  SEALING_UNAVAILABLE: line("busy", 503, "a large value could not be sealed, so it was not taken", "the port wrote a line about it to its standard error: look at the directory that sealing names in postern.yaml"),
  LOG_KEY_UNKNOWN: line("broken", 500, "the log key is not one that this log knows", "was the file exchanged? Put the key back that signed before; a new one comes in with postern key rotate log"),
  LOG_LOCKED: line("broken", 500, "another process holds this log directory", "stop the other process; only one may write a log"),
  LOG_FORMAT: line("broken", 500, "the log directory has a format that this version does not read", "use the Postern version that wrote it, or a newer one"),
  LOG_DAMAGED: line("broken", 500, "the log on disk contradicts itself", "do not write to it; compare with a copy: postern verify DIR"),
  SEGMENT_LOCKED: line("broken", 500, "a segment of the log is encrypted, and its key is not here", "name the configuration with --config, or bring the directory that sealing names back from its backup; docs/operating/backup.md, Encrypted segments"),
  LOG_FORKED: line("broken", 500, "the log shows another history than the one that a copy or a witness knows", "keep the evidence directory and the copy as they are; ask who restored or rewrote the log"),
  LOG_ROLLED_BACK: line("broken", 500, "the log is older than what was already signed", "restore the newest copy; never start from an old backup"),

  // Witnesses.
  WITNESS_REQUEST_INVALID: line("refused", 400, "the add-checkpoint request does not follow C2SP tlog-witness", "compare with docs/operating/witness.md"),
  WITNESS_ANSWER_INVALID: line("broken", 500, "the answer of a witness does not follow C2SP tlog-witness", "check the witness's URL and key in the policy file, or ask who runs it"),
  WITNESS_UNREACHABLE: line("busy", 503, "the witness does not answer", "nothing stops; the courier asks again by itself, and postern status shows how old the newest witnessed checkpoint is"),
  WITNESS_STATE_LOST: line("broken", 500, "the witness has lost what it knew of a log", "put its state back, or retire this witness and its key: one that forgot may cosign a second history"),

  // Configuration and the command line.
  CONFIG_INVALID: line("broken", 500, "the configuration is not acceptable", "correct the named line; the old configuration stays in force"),
  ACCESS_INVALID: line("broken", 500, "the access list is not acceptable", "correct the named line; the old list stays in force"),
  ALERTS_INVALID: line("broken", 500, "the file of questions and alerts is not acceptable", "correct the named line; the old alerts stay in force: postern alert check FILE"),
  MAPPING_INVALID: line("broken", 500, "the mapping file is not acceptable", "correct the named line; docs/spec/sources.md, Mapping files, has the form"),
  PROFILE_INVALID: line("broken", 500, "the connection profile is not acceptable", "make a new one with postern writer add or postern reader add"),
  ADDRESS_IN_USE: line("broken", 500, "an address is already taken", "stop what listens there, or change listen in postern.yaml"),
  BIND_REFUSED: line("broken", 500, "a wildcard or public address is refused", "name private addresses to listen on, or say listen.allow in postern.yaml"),
  FIREWALL_FAILED: line("broken", 500, "the firewall did not do what it was asked", "the message is the firewall's own; it takes root (or CAP_NET_ADMIN), and nft or iptables and unshare on this machine"),
  FIREWALL_UNCONFIRMED: line("refused", 409, "rules that were applied before wait to be confirmed", "postern firewall confirm keeps them, postern firewall rollback brings back those of before"),
  FIREWALL_ROLLED_BACK: line("refused", 409, "no firewall rules wait to be confirmed", "they were confirmed already, or the time ran out and the rules of before are back: postern firewall verify"),
  UNREACHABLE: line("busy", 503, "the port cannot be reached", "is it running? check the address in the profile"),
  SPOOL_FULL: line("busy", 503, "the spool is full", "raise spool.bytesMax, or find out why the port does not acknowledge"),
  SPOOL_DAMAGED: line("broken", 500, "the spool on disk cannot be read", "keep the directory for inspection and start with a new one; the loss is recorded as a gap"),
  CONTEXT_FAILED: line("broken", 500, "the context of an event could not be read", "the function threw that runInContext() or an integration of the SDK was given; the event was written without it"),
  SPOOL_LOCKED: line("broken", 500, "another process uses this spool", "give each process a spool directory of its own"),
  OUTBOX_DATABASE: line("busy", 503, "the outbox's database did not do what it was asked", "the message is the database's own; createTables() makes the tables, and what is committed there waits"),
  OUTBOX_UNTOLD: line("broken", 500, "the port refused some of these events and no longer says which", "they are kept aside; look each of them up in the log by its id, and write those again that are missing"),
  ALREADY_EXISTS: line("refused", 409, "it is there already and is not overwritten", "choose another name or directory, or remove the old one first"),
  CA_IN_USE: line("refused", 409, "a certificate of the old CA is still in use", "postern pki roll-ca status names everything that uses it; renew it, or give it the new profile"),
  USAGE: line("refused", 400, "the command was not understood", "add --help"),

  // Verification. These are findings of a verifier about a peer's or a disk's claims.
  ENTRY_SYNTAX: line("broken", 500, "an entry is not stamp, line feed and event", "keep it as evidence; a port writes only what docs/spec/log.md says"),
  NOTE_INVALID: line("broken", 500, "a signed note does not verify", "compare the key in your profile with the operator's"),
  KEY_CHANGE_INVALID: line("broken", 500, "a change of the log key does not hold", "keep what was received; ask the operator by another way which key the log has, and who changed it"),
  POLICY_INVALID: line("broken", 500, "a policy is not acceptable", "correct the named line; of policy.yaml (docs/spec/policy.md) the old one stays in force; a trust policy is written as C2SP tlog-policy says (docs/spec/evidence.md)"),
  PROOF_INVALID: line("broken", 500, "a proof does not lead to the signed root", "keep the answer as evidence and ask a second reader"),
  RECEIPT_INVALID: line("broken", 500, "a receipt does not cover the events it was given for", "keep it as evidence"),
  RECEIPT_GONE: line("broken", 500, "the port kept the event, but its receipt is no longer at hand", "the entry is in the log: the read port proves it (postern show)"),
  ENTRY_MISSING: line("broken", 500, "an entry that was acknowledged is missing", "send the event again from where it came; keep the receipt, it proves the loss"),
  EVIDENCE_INVALID: line("broken", 500, "the evidence file does not hold", "believe nothing of it; ask for another one, and keep this one if its maker stands by it"),
  DISCLOSURE_MISSING: line("refused", 404, "a value that was kept beside the log is not there, or not to be read", "look for data/disclosures and the sealing keys in the backup; if neither has it, ask who destroyed it"),
  DISCLOSURE_INVALID: line("broken", 500, "a value is not the one whose digest stands in the entry", "believe nothing of it; keep it as evidence against whoever handed it out"),
  ANCHOR_INVALID: line("broken", 500, "a time stamp does not belong to this log", "ask the authority again: postern anchor request"),
  CHECK_INCOMPLETE: line("broken", 500, "not everything could be checked", "the report names what is unknown, and why; postern verify --help"),
} as const satisfies Record<string, ErrorLine>

function line(kind: ErrorLine["kind"], status: number, message: string, hint: string): ErrorLine {
  return { kind, status, message, hint }
}

export type ErrorCode = keyof typeof errorRegistry

/** Where a text that somebody wrote is wrong. */
export interface Slip {
  /** In UTF-16 code units of the text. */
  readonly at: number
  readonly length: number
  /** What to write instead of these characters, where it can be guessed. */
  readonly suggestion?: string
}

/** The one error class. `detail` says which value was wrong; it may hold peer-supplied text, already bounded. */
export class PosternError extends Error {
  readonly code: ErrorCode
  readonly detail: string | undefined
  readonly slip: Slip | undefined

  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions & { readonly slip?: Slip }) {
    super(detail === undefined ? errorRegistry[code].message : `${errorRegistry[code].message}: ${detail}`, options)
    this.name = "PosternError"
    this.code = code
    this.detail = detail
    this.slip = options?.slip
  }

  get kind(): ErrorLine["kind"] {
    return errorRegistry[this.code].kind
  }

  get status(): number {
    return errorRegistry[this.code].status
  }

  get hint(): string {
    return errorRegistry[this.code].hint
  }
}

export function isPosternError(error: unknown): error is PosternError {
  return error instanceof PosternError
}
