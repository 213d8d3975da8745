/**
 * What operators sign with their own keys: statements, made and checked (docs/spec/approvals.md). One form for every kind;
 * a further kind is a line in the table. Pure: the caller brings text, time, CAs and the access list. Never decides what a
 * statement is good for.
 */
export {
  checkStatement,
  distinctSigners,
  type SignedStatement,
  type StatementWorld,
} from "./check.ts"
export {
  parseStatement,
  type Signer,
  type Statement,
  type StatementKind,
  signStatement,
  statementBytesMax,
} from "./statement.ts"
