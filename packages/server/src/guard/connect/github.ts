import { agentFile, agentLook, agentPromise, byAgent, startAgent } from "./agent-file.ts"
import type { Place, Recipe, Rendering } from "./recipe.ts"

const state = "/var/lib/postern-github"

/** GitHub streams to stores in the cloud only, and the port is never open to the internet: so it is fetched. */
export const github: Recipe = {
  ...byAgent,
  name: "github",
  title: "GitHub's audit log (Enterprise Cloud)",
  way: "fetched every five minutes from inside, then by the agent; the port stays closed to the internet",
  scheme: "github",
  proof: "part",
  render,
}

function render(place: Place): Rendering {
  const script = `#!/bin/sh
# Fetches what the audit log has since the last time, one event a line, for the agent to read. GH_TOKEN: read:audit_log.
set -eu
org=\${1:?the name of the organisation}
state=${state}
since=$(cat "$state/since" 2>/dev/null || date --utc --date='1 day ago' +%Y-%m-%dT%H:%M:%SZ)
until=$(date --utc --date='5 minutes ago' +%Y-%m-%dT%H:%M:%SZ)
gh api --paginate --method GET "/orgs/$org/audit-log" --field include=all --field order=asc --field per_page=100 \\
  --field phrase="created:$since..$until" --jq '.[]' > "$state/next"
cat "$state/next" >> "$state/audit-$(date --utc +%Y-%m).ndjson"
echo "$until" > "$state/since"
`
  const from = [`file: ${state}/audit-*.ndjson`]
  return {
    files: [
      agentFile(place, { from, format: "github" }),
      {
        name: "postern-github",
        belongs: "/usr/local/bin/postern-github",
        text: script,
        mode: 0o755,
      },
      {
        name: "postern-github.cron",
        belongs: "/etc/cron.d/postern-github",
        text: "GH_TOKEN=put a token with read:audit_log here, and make this file 0600\n*/5 * * * * root /usr/local/bin/postern-github example-org\n",
        mode: 0o600,
      },
    ],
    steps: [
      {
        what: "room for what is fetched",
        command: `sudo mkdir --parents ${state} && sudo chmod 755 /usr/local/bin/postern-github`,
      },
      startAgent,
      {
        what: "fetch once by hand",
        command: "sudo --preserve-env=GH_TOKEN /usr/local/bin/postern-github example-org",
      },
    ],
    notes: [
      "An enterprise's stream goes to S3, Azure, Google Cloud, Datadog or Splunk only. From a bucket it is fetched as CloudTrail's files are: postern connect cloudtrail.",
      "A record at the seam of two fetches may come twice; both entries have the id that GitHub gave it.",
      "GitHub keeps Git events for seven days only: whatever fetches must not be away for longer.",
      agentPromise,
      agentLook,
    ],
  }
}
