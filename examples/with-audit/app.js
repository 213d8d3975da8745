import { connect } from "@postern/client"
import { withAudit } from "@postern/client/actions"

const audit = await connect(process.env.POSTERN_PROFILE)
const transfer = { actor: "alice", target: "account/1" }

await withAudit(audit, "money.transfer", transfer, async (say) => {
  const id = "t-17" // What the bank answered.
  say({ data: { transfer: id, amount: 250 } })
})

const refuse = () => {
  throw Object.assign(new Error("limit reached"), { status: 403 })
}
await withAudit(audit, "money.transfer", transfer, async () => refuse()).catch((error) => {
  console.log(error.message)
})
