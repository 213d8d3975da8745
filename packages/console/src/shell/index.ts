/** The frame of all pages: where one is, what one may see, how it looks. */
export { Shell } from "./shell.tsx"
