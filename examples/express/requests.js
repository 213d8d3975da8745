import { connect } from "@postern/client"
import { auditContext, audited } from "@postern/client/express"
import express from "express"

const audit = await connect(process.env.POSTERN_PROFILE)
const app = express()

// Behind this, every event knows its request. The actor is asked for late, so authentication may come after it.
app.use(auditContext((request) => ({ actor: request.user })))

// One event for each request to this route, also for those that the next line turns away.
const invoice = (request) => ({ target: `invoice/${request.params.id}` })
app.use("/invoices/:id", audited(audit, "invoice.request", invoice))

app.use((request, response, next) => {
  request.user = request.get("x-user") // Your authentication.
  if (request.user === undefined) response.sendStatus(401)
  else next()
})

app.delete("/invoices/:id", (request, response) => {
  audit("invoice.deleted", { target: `invoice/${request.params.id}`, outcome: "success" })
  response.sendStatus(204)
})
app.listen(process.env.PORT ?? 3000)
