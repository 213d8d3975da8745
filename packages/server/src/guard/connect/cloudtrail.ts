import { agentFile, agentLook, agentPromise, byAgent, startAgent } from "./agent-file.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

const state = "/var/lib/postern-cloudtrail"

export const cloudtrail: Recipe = {
  ...byAgent,
  name: "cloudtrail",
  title: "AWS CloudTrail",
  way: "its files in S3, fetched every five minutes from inside, then by the agent",
  scheme: "aws",
  proof: "part",
  render,
}

function render(place: Place): Rendering {
  const script = `#!/bin/sh
# Fetches CloudTrail's new files and gives each record a line, for the agent to read. Needs aws, gunzip and jq.
set -eu
bucket=\${1:?the name of the bucket}
state=${state}
aws s3 sync "s3://$bucket/" "$state/fetched/" --exclude '*' --include '*/CloudTrail/*.json.gz' --only-show-errors
find "$state/fetched" -name '*.json.gz' | sort | while read -r file; do
  [ -e "$file.done" ] && continue
  gunzip --stdout "$file" | jq --compact-output '.Records[]' > "$state/next"
  cat "$state/next" >> "$state/records-$(date --utc +%Y-%m).ndjson"
  : > "$file.done"
done
`
  const from = [`file: ${state}/records-*.ndjson`]
  return {
    files: [
      agentFile(place, { from, format: "cloudtrail" }),
      {
        name: "postern-cloudtrail",
        belongs: "/usr/local/bin/postern-cloudtrail",
        text: script,
        mode: 0o755,
      },
      {
        name: "postern-cloudtrail.cron",
        belongs: "/etc/cron.d/postern-cloudtrail",
        text: "*/5 * * * * root /usr/local/bin/postern-cloudtrail example-bucket\n",
      },
    ],
    steps: [
      {
        what: "room for what is fetched",
        command: `sudo mkdir --parents ${state}/fetched && sudo chmod 755 /usr/local/bin/postern-cloudtrail`,
      },
      startAgent,
      {
        what: "fetch once by hand",
        command: "sudo /usr/local/bin/postern-cloudtrail example-bucket",
      },
    ],
    notes: [
      "A record in the log is the one that jq wrote: same members and values, not the same blanks. AWS's own digests prove the files in S3; keep both.",
      "CloudTrail delivers within some fifteen minutes, and the same record rarely twice; both entries have its eventID.",
      agentPromise,
      agentLook,
    ],
  }
}
