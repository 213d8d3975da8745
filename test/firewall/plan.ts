/** What is tried in namespaces, and what came of it: JSON between the programme and the process inside. */

export interface Plan {
  readonly ports: readonly number[]
  /** Names of network namespaces and their addresses. */
  readonly clients: readonly Client[]
  /** Users of the machine itself, who come over loopback. */
  readonly users: readonly { readonly name: string; readonly uid: number }[]
  readonly dialects: readonly {
    readonly name: string
    readonly text: string
    /** The same with the writer taken out of the list. */
    readonly revoked: string
  }[]
}

export interface Client {
  readonly name: string
  readonly ipv4: string
  readonly ipv6: string
}

export interface Target {
  /** local: somebody on this machine listens · translated: the address leads to a container · loopback. */
  readonly path: "local" | "translated" | "loopback"
  readonly host: string
  readonly port: number
}

export interface Probe extends Target {
  readonly from: string
  /** `open`: connected, and a byte came back · `silent`: nothing in time · else the error. */
  readonly state: string
}

export interface Outcome {
  /** Before any rule was loaded. */
  readonly without: readonly Probe[]
  readonly dialects: readonly {
    readonly name: string
    readonly probes: readonly Probe[]
    /** The rules as listed, without counts, when loaded once and when loaded twice. */
    readonly once: string
    readonly twice: string
    /** How many packets were refused: before the second load, and after it. */
    readonly refused: readonly [number, number]
    /** Bytes of live connections that arrived: when the writer had been taken out, and a while later. */
    readonly revoked: {
      readonly writer: readonly [number, number]
      readonly reader: readonly [number, number]
    }
  }[]
}
