/**
 * The one door for TLS: every connection to Postern, on the write, read and admin planes, comes
 * through here. Decides who the peer is (docs/spec/wire.md: TLS 1.3, client certificate required,
 * one SPIFFE ID) and hands over sockets whose peer is known; whoever fails is destroyed and
 * reported. Never speaks a protocol above TLS, never trusts a session ticket, never listens on a
 * wildcard or public address unless it was allowed by name, never asks a socket for TLS facts after
 * the moment of acceptance.
 */
export { openAcceptor } from "./acceptor.ts"
export type { Acceptor, AcceptorOptions, Address, Peer, Refusal, TlsMaterial } from "./api.ts"
export { type AuthorityUse, AuthorityUses, parseAuthorityUses } from "./authority-uses.ts"
export { bind } from "./binding.ts"
export { keyExchangeGroups } from "./context.ts"
export { createDeadlines, type Deadline, type Deadlines } from "./deadlines.ts"
export { type HeldAddress, heldAddresses, tellHeldSockets } from "./held-sockets.ts"
export { endOurSide, resetConnection } from "./raw-socket.ts"
export { type CertificateFacts, TlsFiles, type TlsFilesWorld, type TlsPaths } from "./tls-files.ts"
