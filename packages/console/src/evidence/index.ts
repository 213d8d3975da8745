/**
 * Evidence: what was collected becomes a file, and a file that somebody hands over is checked. Both are checked in this
 * browser by @postern/log/evidence; the words of the verdict are those of the offline page.
 */
export { EvidencePage } from "./evidence-page.tsx"
