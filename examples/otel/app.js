import { LoggerProvider } from "@opentelemetry/sdk-logs"
import { connect } from "@postern/client"
import { AuditLogProcessor } from "@postern/client/otel"

const audit = await connect(process.env.POSTERN_PROFILE)
const provider = new LoggerProvider({
  // Beside the processors that export the rest.
  processors: [new AuditLogProcessor({ audit })],
})
const logger = provider.getLogger("billing")

logger.emit({ body: "no audit record: the log never sees it" })
logger.emit({
  eventName: "invoice.sent",
  body: "sent",
  attributes: { audit: true, "user.id": "alice", "audit.target": "invoice/4711" },
})
logger.emit({
  attributes: { "audit.action": "invoice.read", "audit.actor": "bob", "audit.outcome": "denied" },
})
