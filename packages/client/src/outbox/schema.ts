import { eventBytesMax } from "@postern/log/event"

/** Where hints go that rows have come. */
export const outboxChannel = "postern_outbox"

/**
 * The tables, for a migration; may be run again. `postern_outbox` holds what is committed and not yet on its way, `postern_outbox_batch`
 * what is on its way, as it is sent, `postern_outbox_refused` what the port did not take, `postern_outbox_stream` one row: how far all is.
 */
export const outboxSchema = `SELECT pg_advisory_xact_lock(hashtext('postern_outbox'));
CREATE TABLE IF NOT EXISTS postern_outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event bytea NOT NULL CHECK (octet_length(event) BETWEEN 2 AND ${eventBytesMax})
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE TABLE IF NOT EXISTS postern_outbox_batch (
  position bigint PRIMARY KEY,
  events integer NOT NULL,
  region bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS postern_outbox_refused (
  refused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  code text NOT NULL,
  hint text NOT NULL,
  event bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS postern_outbox_stream (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  stream text,
  start bigint NOT NULL DEFAULT 0,
  previous text,
  next bigint NOT NULL DEFAULT 0,
  acked bigint NOT NULL DEFAULT 0,
  digest bytea,
  acked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  holder text,
  held_until timestamptz NOT NULL DEFAULT '-infinity',
  is_waiting boolean NOT NULL DEFAULT false
);
INSERT INTO postern_outbox_stream DEFAULT VALUES ON CONFLICT DO NOTHING;
`

/** Commits with the transaction. A relay that waits is told when it does; one that is busy finds the row by itself. */
export const insertEvent = `WITH added AS (
  INSERT INTO postern_outbox (event) VALUES (decode($1::text, 'base64'))
)
SELECT pg_notify('${outboxChannel}', '') FROM postern_outbox_stream WHERE is_waiting`

export const countWaiting = `SELECT
  ((SELECT count(*) FROM postern_outbox)
    + (SELECT coalesce(sum(events), 0) FROM postern_outbox_batch))::text AS waiting,
  (SELECT count(*) FROM postern_outbox_refused)::text AS refused`

/** One relay at a time: it holds the stream's row for a while, by the database's clock, and says so again before that is over. */
export const holdStream = `UPDATE postern_outbox_stream
SET holder = $1::text, held_until = clock_timestamp() + $2::text::interval,
  stream = coalesce(stream, $3::text)
WHERE holder = $1::text OR held_until < clock_timestamp()
RETURNING stream, start::text, previous, next::text, acked::text, encode(digest, 'hex') AS digest,
  floor(extract(epoch FROM clock_timestamp() - acked_at) * 1000)::bigint::text AS quiet_ms`

export const releaseStream = `UPDATE postern_outbox_stream
SET holder = NULL, held_until = '-infinity' WHERE holder = $1::text`

export const selectBatches = `SELECT batch.position::text, batch.events::text, batch.region
FROM postern_outbox_batch AS batch ORDER BY batch.position`

/** Moves the oldest rows into a batch at the stream's next sequence. All of it or nothing, and only for who holds the stream. */
export const claimBatch = `WITH held AS (
  SELECT next FROM postern_outbox_stream WHERE holder = $1::text FOR UPDATE
), taken AS (
  DELETE FROM postern_outbox WHERE EXISTS (SELECT FROM held) AND position IN (
    SELECT position FROM (
      SELECT position, sum(octet_length(event) + 4) OVER (ORDER BY position) AS bytes
      FROM (
        SELECT position, event FROM postern_outbox ORDER BY position LIMIT $2::text::integer
      ) AS oldest
    ) AS measured WHERE bytes <= $3::text::bigint
  ) RETURNING position, event
), batch AS (
  INSERT INTO postern_outbox_batch (position, events, region)
  SELECT held.next, count(*),
    string_agg(int4send(octet_length(event)) || event, ''::bytea ORDER BY position)
  FROM held, taken GROUP BY held.next
  RETURNING position, events, region
)
UPDATE postern_outbox_stream AS stream
SET next = stream.next + batch.events, is_waiting = false
FROM batch WHERE stream.holder = $1::text
RETURNING batch.position::text, batch.events::text, batch.region`

/** From here on who commits gives a hint. */
export const waitForHints =
  "UPDATE postern_outbox_stream SET is_waiting = true WHERE holder = $1::text"

/** What the port has answered for goes, what it refused is kept aside, and the stream's row says how far all is. */
export const settleBatches = `WITH held AS (
  UPDATE postern_outbox_stream
  SET acked = $2::text::bigint, digest = decode($3::text, 'hex'),
    stream = $4::text, start = $5::text::bigint, previous = nullif($6::text, ''),
    acked_at = CASE WHEN acked < $2::text::bigint THEN clock_timestamp() ELSE acked_at END
  WHERE holder = $1::text
  RETURNING holder
), gone AS (
  DELETE FROM postern_outbox_batch
  WHERE EXISTS (SELECT FROM held) AND position < $2::text::bigint
), aside AS (
  INSERT INTO postern_outbox_refused (code, hint, event)
  SELECT code, hint, decode(event, 'base64')
  FROM jsonb_to_recordset($7::text::jsonb) AS refused (code text, hint text, event text)
  WHERE EXISTS (SELECT FROM held)
)
SELECT holder FROM held`
