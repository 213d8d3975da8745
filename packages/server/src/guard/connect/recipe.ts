import type { Adapter } from "../../access/index.ts"
import type { HostPort } from "../../config/index.ts"

/** How one kind of source is connected: what its identity may do, and the texts of its configuration. */
export interface Recipe {
  /** As it is typed: `postern connect NAME`. */
  readonly name: string
  readonly title: string
  /** The way of its events to the port, in a line. */
  readonly way: string
  /** Of its grant. */
  readonly adapters: readonly Adapter[]
  /** Of the sources that its grant names, and of the one that its events have: `SCHEME://NAME`. */
  readonly scheme: string
  /** `pem`: certificate, key and CA as files of their own. `profile`: the connection profile, which our own software reads. */
  readonly needs: "pem" | "profile"
  /** Whether an agent stands between the source and the port; then its profile is the agent's. */
  readonly usesAgent?: true
  /** Whether it comes to the syslog plane, which is off unless it is configured. */
  readonly usesSyslog?: true
  /**
   * How our tests execute the configuration. run: with the real source. part: as far as it is ours, with records or requests in the source's
   * published shape. rendered: not at all, it is as the source's documentation says.
   */
  readonly proof: "run" | "part" | "rendered"
  render(place: Place): Rendering
}

/** Where everything is, as the source sees it. All paths are absolute. */
export interface Place {
  /** Last part of the writer's id. */
  readonly name: string
  /** The writer's SPIFFE ID. */
  readonly id: string
  /** Of what it needs to connect: the PEM files, or the profile. Its own state may lie below. */
  readonly directory: string
  readonly ca: string
  readonly certificate: string
  readonly key: string
  readonly profile: string
  readonly write: HostPort
  readonly syslog: HostPort
  /** A DNS name in the server's certificate: what some sources check also where they connect to an address. */
  readonly serverName: string
  /** What its events name as their source, where they name none themselves. */
  readonly source: string
}

export interface Rendering {
  readonly files: readonly ConfigFile[]
  /** What is to be done once the files are in their places, in order. */
  readonly steps: readonly Step[]
  /** What is promised, what is lost when, and where the source says what is wrong with it. */
  readonly notes: readonly string[]
}

export interface ConfigFile {
  readonly name: string
  /** Where the source looks for it, or where it is added by hand. */
  readonly belongs: string
  readonly text: string
  /** Of the file; default: 0644. */
  readonly mode?: number
}

export interface Step {
  readonly what: string
  /** For a shell on the source's machine. */
  readonly command?: string
  /** What is added by hand to a file that the source has. */
  readonly lines?: string
}
