const text = `# yaml-language-server: $schema=policy.schema.json
# What is kept of each event. The first rule that matches decides; of an event that no rule matches the envelope is kept (level
# metadata). A changed file is taken over at once as a whole, or refused as a whole. \`postern policy check policy.yaml\` says whether
# it is right, \`postern policy dry-run --last 100000\` what it would have done. See docs/operating/policy.md.
#
# Whatever stands here, logins, denials, grants, keys, configuration, exports, deletions, break-glass and every action whose kind the
# port does not know are never dropped, sampled or deduplicated, and the log's own entries are kept whole.

rules:
  # Who did what to which object, without the objects themselves: those hold what people put into Secrets and environment variables.
  - name: kubernetes
    match: { adapter: kubernetes }
    level: metadata
  - name: kubernetes-elsewhere # by an agent, a log shipper or syslog: known by its action alone
    match: { action: "k8s.*" }
    level: metadata

  # Health checks of your own: of those that are equal one in ten minutes.
  # - name: heartbeats
  #   match: { class: system }
  #   level: metadata
  #   deduplicate: 600

  # One in a hundred reads of one application, and of these without what was answered.
  # - name: catalogue-reads
  #   match: { source: "app://catalogue", class: read, outcome: success }
  #   level: request
  #   sample: 0.01

  # Fields that people are named by. personal: readable until that person is erased. hmac: can be looked up, not read.
  # - name: billing
  #   match: { source: ["app://billing", "app://billing/*"] }
  #   level: full
  #   transforms:
  #     - { at: /data/invoice/number, do: keep } # keep stands before what it is to be kept from
  #     - { at: /actor/id, do: personal }
  #     - { at: /data/customer/email, do: personal, subject: /data/customer/id }
  #     - { at: /data/**/iban, do: hmac }
  #     - { at: /request/body, do: truncate, bytes: 2048 }

  # Your own applications: everything that they say.
  - name: applications
    level: full

# What an action is that the port does not know by itself: read, change or system. All else counts as mandatory.
# classes:
#   read: ["report.rendered", "page.*"]

# Secrets that stand in events by mistake are replaced by a keyed hash, and the entry names what was found.
detect:
  secrets: hmac
  packs: [kubernetes]
  # cards: hmac
  # accounts: hmac
  # contacts: mark
  # addresses: truncate
  # patterns:
  #   - { name: staff-number, pattern: "\\\\bSN-[0-9]{6}\\\\b", do: hmac }
  # allow: [/data/build/digest]
`

/** The policy.yaml of a new installation. */
export function startingPolicy(): string {
  return text
}
