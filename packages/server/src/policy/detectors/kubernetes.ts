/** Where an audit record of Kubernetes holds secrets that no name and no shape gives away. */
import { decodeText } from "./encoded.ts"
import { type Finding, noFindings } from "./hit.ts"
import { alphabet, any64, endOf } from "./letters.ts"

const whole = (name: string, text: string): Finding => ({
  ...{ name, from: 0, to: text.length, whole: true },
})

/** `resource` is what the item's objectRef named before this text, if it did. */
export function findKubernetes(
  text: string,
  key: string | undefined,
  path: readonly string[],
  resource: string | undefined,
): readonly Finding[] {
  if (text === "") return noFindings
  if (key === "kubectl.kubernetes.io/last-applied-configuration")
    return [whole("last-applied-configuration", text)]
  if (key === "requestURI" || key === "uri") return findExecArguments(text)
  const holder = path.at(-1)
  if (!path.some(isBodyItself)) return findBootstrap(text, key)
  if (holder === "stringData") return [whole("kubernetes-secret", text)]
  if (holder === "data" && isSecretData(text, resource)) return [whole("kubernetes-secret", text)]
  if (key === "token" && holder === "status") return [whole("token-request", text)]
  if (key === undefined && holder === "command" && isBodyItself(path.at(-2)))
    return [whole("exec-argument", text)]
  return findBootstrap(text, key)
}

function isBodyItself(name: string | undefined): boolean {
  return name === "requestObject" || name === "responseObject"
}

/** Secrets hold base64. Of other objects `data` is left, and where it is not known which it is, what is not base64. */
function isSecretData(text: string, resource: string | undefined): boolean {
  if (resource !== undefined) return resource === "secrets"
  const end = endOf(text, 0, any64)
  if (text.length % 4 !== 0 || !/^={0,2}$/.test(text.slice(end, end + 3))) return false
  return end >= 16 || decodeText(text, 0, end) !== undefined
}

/** The program stays, its arguments go: `/api/v1/…/exec?command=psql&command=-c&command=…`. */
function findExecArguments(text: string): readonly Finding[] {
  if (!/\/(?:exec|attach)\?/.test(text)) return noFindings
  const all = [...text.matchAll(/[?&]command=([^&#]*)/g)]
  return all.slice(1).map((match) => {
    const to = match.index + match[0].length
    return { name: "exec-argument", from: to - (match[1] ?? "").length, to, whole: false }
  })
}

/** `abcdef.0123456789abcdef`, where something around it says that it is a token of a joining node. */
function findBootstrap(text: string, key: string | undefined): readonly Finding[] {
  if (text.length < 23 || !hasTokenEnd(text)) return noFindings
  const about = `${key ?? ""} ${text}`
  if (!/token|bootstrap|kubeadm/i.test(about)) return noFindings
  const match = /(?<![a-z0-9.])[a-z0-9]{6}\.(?=[a-z]*[0-9])[a-z0-9]{16}(?![a-z0-9.])/.exec(text)
  if (match === null) return noFindings
  const [from, to] = [match.index, match.index + match[0].length]
  return [{ name: "bootstrap-token", from, to, whole: true }]
}

const tokenChars = alphabet(/[a-z0-9]/)
const tokenEnd = 16

/** Whether sixteen small letters and digits stand behind a full stop. */
function hasTokenEnd(text: string): boolean {
  for (let dot = text.indexOf("."); dot !== -1; dot = text.indexOf(".", dot + 1)) {
    if (endOf(text, dot + 1, tokenChars, tokenEnd) === dot + 1 + tokenEnd) return true
  }
  return false
}
