/**
 * Has sealed segments compressed, one at a time, by a child process of the lowest priority, and puts the results in their
 * place (docs/spec/disk.md, Compressed segments, Encrypted segments). Nothing waits for it: what it cannot do today it leaves as it is.
 */
export { Keeper, type KeeperWorld } from "./keeper.ts"
