import { signNote } from "@postern/log/tlog"
import { openNoteSigner } from "../pki/index.ts"

/** A note signed with a private key (Ed25519, PKCS #8 PEM) under this name. Errors: CONFIG_INVALID. */
export function signAs(name: string, pem: string, text: string): Promise<string> {
  return signNote(text, openNoteSigner(name, pem))
}
