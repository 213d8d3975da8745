import { connect } from "@postern/client"
import { auditRequests, audited } from "@postern/client/fastify"
import fastify from "fastify"

const audit = await connect(process.env.POSTERN_PROFILE)
const app = fastify()

// Every event knows its request. The actor is asked for late, so authentication may come after it.
await app.register(auditRequests, { audit, context: (request) => ({ actor: request.user }) })

app.addHook("preHandler", async (request, reply) => {
  request.user = request.headers["x-user"] // Your authentication.
  if (request.user === undefined) await reply.code(401).send()
})

// One event for each request to this route, also for those that are turned away.
const config = audited("invoice.request", (request) => ({ target: `invoice/${request.params.id}` }))
app.delete("/invoices/:id", { config }, async (request, reply) => {
  audit("invoice.deleted", { target: `invoice/${request.params.id}`, outcome: "success" })
  return reply.code(204).send()
})
await app.listen({ port: Number(process.env.PORT ?? 3000) })
