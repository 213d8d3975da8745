import { Copyable } from "../look/index.ts"
import { sources } from "./sources.ts"

/** Every source with the one command that connects it; one is open at a time. */
export function SourceList() {
  return (
    <div className="sources">
      {sources.map(({ name, title, way }) => (
        <details key={name} name="source">
          <summary>
            <strong>{name}</strong> <span className="quiet">{title}</span>
          </summary>
          <div className="source">
            <p>{way}</p>
            <Copyable text={`postern connect ${name} --config postern.yaml`} />
          </div>
        </details>
      ))}
    </div>
  )
}
