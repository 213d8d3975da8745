import type { ServerResponse } from "node:http"
import { errorRegistry, type PosternError } from "@postern/log/base"

const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
}

/** Takes the token out of the address before anything else, so that it stays in no history and no other page learns it. */
export const onceScript = `const text = document.getElementById("text")
const match = /^#once=([A-Za-z0-9_-]{1,64})$/.exec(location.hash)
history.replaceState(null, "", "/")
addEventListener("hashchange", () => location.reload())
if (match) {
  const body = JSON.stringify({ once: match[1] })
  const headers = { "content-type": "application/json" }
  fetch("/once", { method: "POST", headers, body }).then(
    (answer) => {
      if (answer.ok) location.replace("/")
      else text.textContent = answer.status === 429
        ? "Too many links were wrong. Wait a minute, then press Enter in the terminal for a fresh one."
        : "This link was used already, or is older than two minutes. Press Enter in the terminal for a fresh one."
    },
    () => {
      text.textContent = "The door is closed: postern console has ended."
    },
  )
}
`

/** What a browser without a session is shown: nothing of the log, and how to get in. */
export function sendEntrance(response: ServerResponse): void {
  sendPage(
    response,
    401,
    "This browser has no session. Open the link that postern console printed; Enter in its terminal prints a fresh one.",
    '<script src="/once.js"></script>',
  )
}

/** The page on which a person lands when there is no console to show. */
export function sendFailurePage(response: ServerResponse, error: PosternError): void {
  const { message } = errorRegistry[error.code]
  const detail = error.detail === undefined ? "" : `: ${error.detail}`
  sendPage(response, error.status, `${message}${detail}. ${error.hint}.`, "")
}

/** For scripts: an RFC 9457 problem, as the read API has them. */
export function sendProblem(response: ServerResponse, error: PosternError): void {
  const { code, status, detail, hint } = error
  const title = errorRegistry[code].message
  const problem = { type: "about:blank", title, status, code, hint, detail }
  response.writeHead(status, { ...headers, "content-type": "application/problem+json" })
  response.end(JSON.stringify(problem))
}

export function sendScript(response: ServerResponse): void {
  response.writeHead(200, { ...headers, "content-type": "text/javascript; charset=utf-8" })
  response.end(onceScript)
}

/** @param more markup of ours; `text` may hold anything */
function sendPage(response: ServerResponse, status: number, text: string, more: string): void {
  response.writeHead(status, { ...headers, "content-type": "text/html; charset=utf-8" })
  response.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Postern</title>
<h1>Postern</h1>
<p id="text" role="status">${escapeMarkup(text)}</p>
${more}
</html>
`)
}

function escapeMarkup(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
