/** What this browser keeps for its person. Nothing of the log is kept but indexes, keys and checkpoints. */
export { type Kept, kept, useKept } from "./kept.ts"
export {
  basket,
  facetsShown,
  pinnedKeys,
  type SavedQuestion,
  type SeenCheckpoint,
  savedQuestions,
  seenCheckpoints,
  type Theme,
  theme,
  type Zone,
  zone,
} from "./values.ts"
