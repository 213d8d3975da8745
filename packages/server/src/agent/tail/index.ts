/**
 * What became of a file that is being read: whether it is the same, was cut, or went away under another name. Pure: what was seen of
 * it comes as arguments.
 */
export { type Judgement, judgeFile, type Seen } from "./judgement.ts"
export { isPattern, watchedDirectory } from "./pattern.ts"
export { isCompressed, printBytes, printOf } from "./print.ts"
