import { connect } from "@postern/client"
import express from "express"

const audit = await connect(process.env.POSTERN_PROFILE)
const app = express()
app.delete("/invoices/:id", (request, response) => {
  audit("invoice.deleted", { actor: "alice", target: `invoice/${request.params.id}`, outcome: "success" })
  response.sendStatus(204)
})
app.listen(process.env.PORT ?? 3000)
