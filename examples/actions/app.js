import { connect } from "@postern/client"
import { actions, changesBetween } from "@postern/client/actions"

const act = actions(await connect(process.env.POSTERN_PROFILE))
const actor = "alice"
act.login({ actor, origin: { ip: "192.0.2.7" } })
act.loginFailed({ actor: "mallory", reason: { code: "WRONG_PASSWORD" } })
act.read("invoice/4711", { actor })
const before = { status: "draft", lines: 2 }
const after = { status: "sent", lines: 2 }
act.updated("invoice/4711", { actor, changes: changesBetween(before, after) })
act.accessDenied("invoice/4712", { actor, op: "delete" })
act.granted("role/accountant", "user/bob", { actor })
