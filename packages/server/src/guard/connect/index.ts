/**
 * What is to be configured in a source so that its events come here: one recipe a kind of source, each a pure text made of
 * names, paths and addresses. Never writes a file, never issues an identity, never looks whether it works: cli/ does.
 * The pages of docs/start/connect show the same texts.
 */
export type { ConfigFile, Place, Recipe, Rendering, Step } from "./recipe.ts"
export { recipes } from "./recipes.ts"
