import { useEffect, useRef } from "react"

const keys: readonly (readonly [readonly string[], string])[] = [
  [["/"], "write a question"],
  [["↓", "↑", "Tab"], "choose a completion"],
  [["j", "k"], "next, previous entry"],
  [["↓", "↑", "PgDn", "PgUp"], "the same, in the list"],
  [["Home", "End"], "first, last entry"],
  [["Enter"], "open the entry"],
  [["Esc"], "close what is open"],
  [["?"], "these keys"],
]

/** Shown by `?` anywhere but in a field. */
export function KeysDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const isField =
        event.target instanceof Element && event.target.closest("input, textarea, select") !== null
      if (event.key !== "?" || isField) return
      event.preventDefault()
      if (dialog.current?.open === false) dialog.current.showModal()
    }
    addEventListener("keydown", press)
    return () => removeEventListener("keydown", press)
  }, [])
  return (
    <dialog ref={dialog} className="dialog" aria-label="Keys">
      <h2>Keys</h2>
      <dl className="keys">
        {keys.map(([names, meaning]) => (
          <div key={meaning} className="key-line">
            <dt>
              {names.map((name) => (
                <kbd key={name}>{name}</kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  )
}
