/** Every bound of the formats, in one place. docs/spec says why each is what it is. */
export const limits = {
  /** Depth of nesting of an event (docs/spec/event.md). */
  eventDepthMax: 32,
  /** An entry, stamp included: the u16 length of a tlog-tiles entry bundle. */
  entryBytesMax: 65_535,
  stampBytesMax: 96,
  /** A value kept out of the leaf, as the JSON of its disclosure (docs/spec/disclosures.md). */
  disclosureBytesMax: 8_388_608,
  /** Digests that an event may name. */
  disclosuresMax: 64,
  /** Digests of one entry, those inside its values included, that a verifier follows. */
  entryDigestsMax: 4_096,
  /** Different digests that the events of one batch may name. */
  batchDisclosuresMax: 1_000,
  /** A whole frame with its length field (docs/spec/wire.md). */
  frameBytesMax: 1_048_576,
  batchEventsMax: 10_000,
  /** Credit of a connection before it has shown what it does with it. */
  creditBytesStart: 65_536,
  creditBytesMax: 1_048_576,
  /** Bytes received and not yet acknowledged, over all connections. */
  creditPoolBytes: 50_331_648,
  /** Of these, those of one writer: three quarters, so that it finds room for what half of them, all windows, have begun. */
  creditWriterBytes: 37_748_736,
  httpBodyBytesMax: 8_388_608,
  httpBodyInflatedBytesMax: 16_777_216,
  httpBodyInflationMax: 100,
  httpBodyEventsMax: 50_000,
  /** A foreign record in a body; a longer one is kept, and nothing of it is read (docs/spec/sources.md). */
  recordReadBytesMax: 262_144,
  /** A syslog message; a longer one is taken off the wire and counted, up to the other bound. */
  syslogMessageBytesMax: 65_536,
  syslogSkipBytesMax: 16_777_216,
  streamsPerWriterMax: 64,
  /** Sequence numbers and indexes in a stamp: fourteen decimal digits keep the stamp within its bound. */
  sequenceMax: 99_999_999_999_999,
} as const
