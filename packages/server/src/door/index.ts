/**
 * The loopback door (docs/operating/console.md): lets a browser that holds no certificate read through a reader's profile.
 * An HTTP server on 127.0.0.1 alone; it knows a browser by a cookie that it gave for a link that works once, keeps other
 * pages out, and passes questions on to the read port as they are. Holds no event, decides nothing about the log: what may
 * be seen is the grant of the profile. How to reach the read port is handed in.
 */
export { type Door, type DoorOptions, openDoor } from "./door.ts"
export type { Upstream, UpstreamRoute } from "./upstream.ts"
