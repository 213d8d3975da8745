import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

/**
 * The console as files that the read port serves: packages/server/console. Nothing is inlined, since the content policy
 * runs no inline script or style; nothing is preloaded by a script of its own.
 */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  logLevel: "warn",
  build: {
    outDir: "../server/console",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Notices of what is bundled: their licences ask for no more.
    license: { fileName: "licences.txt" },
    target: "es2023",
    reportCompressedSize: false,
  },
})
