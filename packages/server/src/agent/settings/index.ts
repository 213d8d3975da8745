/**
 * agent.yaml: which sources an agent takes events from, and where it keeps what it has not delivered. Read strictly, every error
 * with its line. Never opens anything that it names.
 */
export { formatAgentSchema } from "./json-schema.ts"
export {
  type AgentSettings,
  type FileIntake,
  type Intake,
  parseAgentSettings,
  type SourceSettings,
  type SpoolSize,
} from "./settings.ts"
