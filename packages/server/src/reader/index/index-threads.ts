import { MessageChannel, type MessagePort, Worker } from "node:worker_threads"
import { type ErrorCode, PosternError } from "@postern/log/base"
import type {
  AnswerReport,
  Asked,
  BuildOrder,
  BuildReport,
  Question,
  ThreadPlace,
} from "./messages.ts"
import type {
  BuildProgress,
  FacetField,
  Facets,
  FacetsQuestion,
  Histogram,
  HistogramQuestion,
  IndexAnswer,
  IndexQuestion,
  IndexState,
  SearchIndex,
  ValueCount,
} from "./search-index.ts"

export interface IndexPlace extends ThreadPlace {
  /** One line for the operator. */
  tell(
    level: "info" | "warn" | "error",
    message: string,
    facts: Readonly<Record<string, string | number>>,
  ): void
}

const restartMs = 5000
const nothing = { indexed: 0, parts: 0, pieces: 0, bytes: 0, memoryBytes: 0 }

/**
 * The index on threads of its own, one that builds and one that answers; this side only passes on. `log` has its first entry. If a
 * thread fails, both are started again after a while, and until then nothing is indexed.
 */
export function openSearchIndex(place: IndexPlace): SearchIndex {
  return new IndexThreads(place)
}

interface Waiting {
  resolve(answer: unknown): void
  reject(error: unknown): void
}

interface Threads {
  readonly build: Worker
  readonly answer: Worker
}

class IndexThreads implements SearchIndex {
  readonly #place: IndexPlace
  readonly #waiting = new Map<number, Waiting>()
  #threads: Threads | undefined
  #restart: NodeJS.Timeout | undefined
  #number = 0
  #state: Omit<IndexState, "building"> = nothing
  #building: BuildProgress = { done: 0, of: 0 }
  #rebuild:
    | { readonly done: Waiting; onProgress(progress: BuildProgress): void; goal: number }
    | undefined
  #isClosed = false

  constructor(place: IndexPlace) {
    this.#place = place
    this.#start()
  }

  #start(): void {
    const { log, index, keys } = this.#place
    const place: ThreadPlace = { log, index, ...(keys === undefined ? {} : { keys }) }
    const { port1, port2 } = new MessageChannel()
    const build = startThread("build-thread", { ...place, answers: port1 }, port1)
    const answer = startThread("answer-thread", { ...place, builds: port2 }, port2)
    const threads = { build, answer }
    this.#threads = threads
    build.on("message", (report: BuildReport) => this.#onBuild(report))
    answer.on("message", (report: AnswerReport) => this.#onAnswer(report))
    for (const thread of [build, answer]) {
      thread.on("error", (error) => this.#failed(threads, error))
      thread.unref()
    }
  }

  /** Both end together: what one knows of the other is gone. */
  #failed(threads: Threads, error: unknown): void {
    if (this.#threads !== threads || this.#isClosed) return
    this.#threads = undefined
    this.#state = nothing
    this.#place.tell("error", "the search index stopped and starts again", { error: String(error) })
    void threads.build.terminate()
    void threads.answer.terminate()
    this.#reject(new PosternError("OVERLOADED", "the search index starts again"))
    this.#restart = setTimeout(() => this.#start(), restartMs)
    this.#restart.unref()
  }

  #reject(error: PosternError): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
    this.#rebuild?.done.reject(error)
    this.#rebuild = undefined
  }

  #onBuild(report: BuildReport): void {
    const rebuild = this.#rebuild
    if (report.kind === "damaged") {
      const { first, reason } = report
      this.#place.tell("warn", "a part of the search index was damaged and is made anew", {
        first,
        reason,
      })
      return
    }
    if (report.kind === "reset") {
      if (rebuild !== undefined) rebuild.goal = Math.max(1, this.#building.of)
      return
    }
    this.#building = report.progress
    if (rebuild === undefined || rebuild.goal === 0) return
    rebuild.onProgress(report.progress)
    if (report.progress.done < rebuild.goal) return
    this.#rebuild = undefined
    rebuild.done.resolve(undefined)
  }

  #onAnswer(report: AnswerReport): void {
    if (report.kind === "state") {
      if (!this.#isClosed) this.#state = report.state
      return
    }
    const waiting = this.#waiting.get(report.number)
    this.#waiting.delete(report.number)
    if (report.kind === "answer") waiting?.resolve(report.answer)
    else
      waiting?.reject(new PosternError((report.code ?? "READ_FAILED") as ErrorCode, report.message))
  }

  #ask<Answer>(asked: Question): Promise<Answer> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#threads === undefined) {
        reject(
          this.#isClosed
            ? closed()
            : new PosternError("OVERLOADED", "the search index starts again"),
        )
        return
      }
      this.#number += 1
      this.#waiting.set(this.#number, { resolve, reject })
      this.#threads.answer.postMessage({ number: this.#number, asked } satisfies Asked)
    }) as Promise<Answer>
  }

  state(): IndexState {
    return { ...this.#state, building: this.#building }
  }

  search(question: IndexQuestion): Promise<IndexAnswer> {
    return this.#ask({ kind: "search", question })
  }

  histogram(question: HistogramQuestion): Promise<Histogram> {
    return this.#ask({ kind: "histogram", question })
  }

  facets(question: FacetsQuestion): Promise<Facets> {
    return this.#ask({ kind: "facets", question })
  }

  values(field: FacetField, begun: string, top: number): Promise<readonly ValueCount[]> {
    return this.#ask({ kind: "values", field, begun, top })
  }

  rebuild(onProgress: (progress: BuildProgress) => void): Promise<void> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#rebuild !== undefined || this.#threads === undefined) {
        reject(new PosternError("OVERLOADED", "the search index is being built anew"))
        return
      }
      this.#rebuild = { done: { resolve, reject }, onProgress, goal: 0 }
      this.#threads.build.postMessage({ kind: "rebuild" } satisfies BuildOrder)
    }) as Promise<void>
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#restart)
    this.#reject(closed())
    const threads = this.#threads
    this.#threads = undefined
    this.#state = nothing
    if (threads === undefined) return
    const ended = [threads.build, threads.answer].map((thread) => {
      return new Promise((resolve) => thread.once("exit", resolve))
    })
    threads.build.postMessage({ kind: "stop" } satisfies BuildOrder)
    threads.answer.postMessage("stop")
    await Promise.all(ended)
  }
}

function closed(): PosternError {
  return new PosternError("SHUTTING_DOWN", "the search index is closed")
}

/** The file beside this one, as source or built. */
function startThread(name: string, workerData: object, port: MessagePort): Worker {
  const file = `./${name}.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`
  return new Worker(new URL(file, import.meta.url), { workerData, transferList: [port] })
}
