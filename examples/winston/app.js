import { connect } from "@postern/client"
import { AuditTransport } from "@postern/client/winston"
import winston from "winston"

const audit = await connect(process.env.POSTERN_PROFILE)
const logger = winston.createLogger({
  transports: [new winston.transports.Console(), new AuditTransport({ audit })],
})

logger.info("no audit record: the log never sees it")
logger.info("sent", { audit: { action: "invoice.sent", actor: "alice", target: "invoice/4711" } })
logger.warn("no", { audit: true, action: "invoice.read", actor: "bob", outcome: "denied" })
