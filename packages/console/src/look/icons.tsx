/** Line drawings, 16 by 16, in the colour of the text. They stand beside words and say nothing by themselves. */
const drawings = {
  stream: "M2 4h12M2 8h12M2 12h8",
  writers: "M3 13V6l5-3 5 3v7M6 13V9h4v4",
  port: "M2.5 6.5h11v6h-11zM5 6.5V4h6v2.5M8 9v1.5",
  access: "M5.5 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM8 7l6 6m-2-2 1.5-1.5M10 9l1.5-1.5",
  policy: "M2 4h12M4 4l2.5 4v5.5h3V8L12 4M5.5 6.5h5",
  log: "M4 2h8v12H4zM6.5 5h3M6.5 8h3M6.5 11h3",
  evidence: "M8 1.5 13 4v4c0 3-2 5.3-5 6.5C5 13.3 3 11 3 8V4zM5.8 8l1.6 1.6L10.4 6.5",
  alerts: "M8 2a4 4 0 0 1 4 4v3l1.2 2H2.8L4 9V6a4 4 0 0 1 4-4zM6.5 13.5h3",
  start: "M4 2.5v11l9-5.5z",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3l2 1.5",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5 14 14",
  close: "M4 4l8 8M12 4l-8 8",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  saved: "M4.5 2h7v12L8 11l-3.5 3z",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  live: "M8 7a1 1 0 1 0 0 2 1 1 0 0 0 0-2zM5 5a4.2 4.2 0 0 0 0 6M11 5a4.2 4.2 0 0 1 0 6M3 3a7 7 0 0 0 0 10M13 3a7 7 0 0 1 0 10",
  filter: "M2 3h12L9.5 8.5V13l-3-1.5v-3z",
  tick: "M3 8.5 6.5 12 13 4.5",
  minus: "M4 8h8",
  plus: "M8 4v8M4 8h8",
  open: "M9 3h4v4M13 3 7.5 8.5M11 9v4H3V5h4",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  key: "M5.5 8a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM7.5 8.8 13 3.3M11 5.3l1.7 1.7",
} as const

export type IconName = keyof typeof drawings

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={drawings[name]} />
    </svg>
  )
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path d="M6 28V14a10 10 0 0 1 20 0v14h-6V14a4 4 0 0 0-8 0v14z" />
    </svg>
  )
}
