/** The alerts.yaml of a new installation: the ready-made alerts, and nobody who is told. */
export function startingAlerts(): string {
  return `# yaml-language-server: $schema=alerts.schema.json
# Questions that are asked often, and alerts: what is to be noticed while nobody looks. The courier process follows the log,
# writes an entry when an alert is raised or cleared, and tells the webhooks that an alert names. A changed file is taken over at
# once as a whole, or refused as a whole. \`postern alert check alerts.yaml\` says whether it is right, and how often each alert would
# have been raised. See docs/operating/alerts.md.

# Questions for people, by name; an alert may use one, too.
questions:
  - name: denied
    description: what somebody wanted to do and was not allowed to
    query: outcome:denied

alerts:
  # The ready-made ones. Of each you may set severity, count, within, holdDown, clearAfter and to.
  - { name: gap, watch: gap }
  - { name: silent-writer, watch: silent-writer } # needs \`cadence\` in access.yaml
  - { name: burst, watch: burst } # count: never below so many events a minute
  - { name: new-writer, watch: new-writer }
  - { name: new-address, watch: new-address }
  - { name: clock, watch: clock }
  - { name: doctor, watch: doctor }
  - { name: refusals, watch: refusals } # count: never below so many a minute
  - { name: access, watch: access }
  - { name: policy, watch: policy }
  - { name: policy-refused, watch: policy-refused }
  - { name: detected, watch: detected } # count: never below so many events a minute
  - { name: not-kept, watch: not-kept } # count: as well
  - { name: break-glass, watch: break-glass }
  - { name: evidence, watch: evidence }
  # Says when people work: change it to your hours, and take the # away.
  # - name: reads-out-of-hours
  #   watch: reads-out-of-hours
  #   hours: { zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: "07:00", to: "19:00" }

  # One of your own: a question or a query, how many within which time, for each writer or actor if you like.
  # - name: many-denied
  #   question: denied
  #   count: 20
  #   within: 5m
  #   by: actor
  #   severity: medium
  #   holdDown: 30m # between two notifications; default 15m
  #   clearAfter: 10m # below the count for so long; default: within
  #   to: [pager]

# Who is told. Every notification is signed with the secret, a file of 32 bytes or more.
# webhooks:
#   - name: pager
#     url: https://alarms.example/postern
#     secret: secrets/pager.key
webhooks: []
`
}
