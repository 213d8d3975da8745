/**
 * Builds the offline verifier: packages/log/verifier and the compiled @postern/log in one HTML file that works from disk,
 * with a content security policy that lets nothing else run and reaches no network.
 * `npm run build:verifier` writes dist/postern-verifier.html.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

const source = new URL("../packages/log/verifier/", import.meta.url)
const target = fileURLToPath(new URL("../dist/postern-verifier.html", import.meta.url))

/** The whole page as text. */
export async function buildVerifier(): Promise<string> {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", source), "utf8"))
  const template = readFileSync(new URL("index.html", source), "utf8")
  const style = readFileSync(new URL("style.css", source), "utf8")
  const script = await bundle()
  return fill(template, { policy: policyOf(script, style), style, script, version })
}

async function bundle(): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL("page.ts", source)),
    platform: "browser",
    onLog: (level, log) => {
      throw new Error(`${level}: ${log.message}`)
    },
  })
  const { output } = await build.generate({ format: "esm", minify: true, codeSplitting: false })
  await build.close()
  const [chunk, ...more] = output
  if (more.length > 0) throw new Error("the script of the page is not one piece")
  // In the page these would end the script, or begin a comment.
  return chunk.code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--")
}

/** Only this script and this style; nothing is loaded, sent, framed or turned from text into markup. */
function policyOf(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src ${digestOf(script)}`,
    `style-src ${digestOf(style)}`,
    "img-src data:",
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ")
}

function digestOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`the template asks for ${name}`)
    return value
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const page = await buildVerifier()
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, page)
  const [bytes, packed] = [Buffer.byteLength(page), gzipSync(page).length]
  console.log(`dist/postern-verifier.html: ${bytes} bytes (${packed} packed)`)
}
