/**
 * Joins sockets to the port: postern/1 to sessions, HTTP/1.1 to adapters, each with its own deadlines for header, body and
 * idle. Owns the sockets it is given. Decides nothing about events; serves nothing to read.
 */
export { type FramedDoorWorld, serveFramed } from "./framed-door.ts"
export { HttpDoor, type HttpDoorWorld } from "./http-door.ts"
