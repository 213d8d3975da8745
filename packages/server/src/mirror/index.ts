/**
 * The mirror (docs/spec/mirror.md): a log directory on another machine, the same in every slot. Follows an origin, derives
 * every hash itself before it writes, syncs before its own head moves, and refuses whatever is not the history that it
 * has. Never signs, never drops what it has but for what its own keeper lets go, never opens a socket: the origin is handed in.
 */
export { type Follow, followOrigin, type MirrorEvent, type Origin } from "./follow.ts"
export { type MirroredLog, MirrorLog } from "./mirror-log.ts"
export { pruneMirror } from "./pruning.ts"
