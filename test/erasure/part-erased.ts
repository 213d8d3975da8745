import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { openSealedRoom } from "../../packages/server/dist/disclosures/index.js"
import { makeScratch } from "../crash/cleanup.ts"
import type { Installation } from "../crash/installation.ts"
import type { Report } from "../crash/report.ts"
import { askPython, findPython } from "../evidence/verifiers.ts"
import { startService } from "../restore/drill.ts"
import { until } from "../support/waiting.ts"
import { spellings, stealKey } from "./keys.ts"
import {
  customerName,
  demandApproval,
  emailOf,
  eventOf,
  findBytes,
  openScene,
  post,
  postern,
  type Ran,
} from "./stage.ts"

const person = "alexandra-unmistakable"
const other = "benedict-unmistakable"
const named = "caroline-unmistakable"

/** The whole course of a request to be forgotten, and everything that must hold afterwards. */
export async function eraseOne(report: Report, entriesOfPerson: number): Promise<void> {
  const work = makeScratch()
  const installation = await openScene(join(work, "a"))
  demandApproval(installation)
  const service = await startService(installation)
  const course = new Course(report, installation, work, entriesOfPerson)
  const indexes = await post(installation, [
    ...Array.from({ length: entriesOfPerson }, (_, n) => eventOf(person, n, n % 7)),
    ...Array.from({ length: 50 }, (_, n) => eventOf(other, n, 1)),
    eventOf(named, 0, 1),
    { ...eventOf(other, 51, 1), action: "note.added", data: { text: `a word with ${named}` } },
  ])
  report.check(indexes.length === entriesOfPerson + 52, `${indexes.length} entries`)
  const [first = 0] = indexes
  await course.covered(indexes.at(-1) ?? 0)
  const before = course.file("before.evidence")
  await course.evidence(before, first)
  await course.looks()
  await course.inTheWay()
  const secrets = await course.steal()
  await course.erase(first)
  report.checkNone(findBytes(installation, secrets), "bytes that must be nowhere")
  await course.holds(before, first)
  await service.stop("SIGTERM")
  report.checkNone(findBytes(installation, secrets), "bytes that must be nowhere, at rest")
  const again = await startService(installation)
  await course.comesBack()
  await again.stop("SIGTERM")
  const { code, err, out } = await postern(["verify", join(work, "a"), "--full"])
  report.check(code === 0, `verify of the directory: ${out.slice(-300)}${err}`)
  await course.inSilence()
}

class Course {
  readonly #report: Report
  readonly #installation: Installation
  readonly #work: string
  readonly #entries: number
  /** The entry with which the erasure began. */
  #began = 0

  constructor(report: Report, installation: Installation, work: string, entries: number) {
    this.#entries = entries
    this.#report = report
    this.#installation = installation
    this.#work = work
  }

  file(name: string): string {
    return join(this.#work, name)
  }

  async #run(args: readonly string[], input?: string): Promise<Ran> {
    return await postern([...args, "--config", this.#installation.config], input)
  }

  #is(ran: Ran, code: number, pattern: RegExp, what: string): void {
    const said = `${ran.out}${ran.err}`
    this.#report.check(
      ran.code === code && pattern.test(said),
      `${what}: ${ran.code} ${said.slice(-600)}`,
    )
  }

  #profile(): string {
    return this.#installation.profileFile.reader
  }

  /** A checkpoint covers the entry. */
  async covered(index: number): Promise<void> {
    const file = join(this.#installation.log, "checkpoint")
    const size = () => (existsSync(file) ? Number(readFileSync(file, "utf8").split("\n")[1]) : 0)
    await until(() => (size() > index ? true : undefined), 10_000, "a checkpoint")
  }

  async evidence(file: string, index: number): Promise<void> {
    const args = ["evidence", "make", "--index", String(index), "--disclosed", "-o", file]
    this.#is(await postern([...args, "--profile", this.#profile()]), 0, /./, "evidence")
  }

  async looks(): Promise<void> {
    const dry = ["erase", "--dry-run", "--json", "--subject"]
    const one = JSON.parse((await this.#run([...dry, `user:${person}`])).out)
    const { values, entries, inTheClear } = one
    this.#report.check(
      values === 2 * this.#entries && entries === this.#entries && inTheClear.entries === 0,
      `a dry run counts ${JSON.stringify(one)}`,
    )
    const clear = JSON.parse((await this.#run([...dry, named])).out).inTheClear
    this.#report.check(clear.entries === 1, `named in the clear: ${JSON.stringify(clear)}`)
    const input = await this.#run([...dry, "-"], `${person}\n`)
    this.#report.check(JSON.parse(input.out).values === values, "the person from standard input")
    this.#is(await this.#run([...dry, "nobody"]), 1, /no value is sealed/, "nobody")
    const pseudonym = (await this.#run(["subject", "pseudonym", person])).out.trim()
    this.#report.check(pseudonym === one.subject, `the pseudonym ${pseudonym}`)
    const question = ["search", `action:person.* "${pseudonym}"`, "--profile", this.#profile()]
    this.#is(await postern(question), 0, /person\.changed/, "a search for the pseudonym")
    await this.#exports()
  }

  /** Of a person with few entries, all that the log has of them. */
  async #exports(): Promise<void> {
    const args = ["subject", "export", "--subject", "c-1", "--profile", this.#profile()]
    const files = [this.file("c-1.jsonl"), this.file("c-1.evidence")] as const
    const ran = await this.#run([...args, "-o", files[0], "--evidence", files[1]])
    this.#is(ran, 0, /values of/, "an export")
    const lines = readFileSync(files[0], "utf8").trimEnd().split("\n")
    const wanted = Math.ceil((this.#entries - 1) / 7) + 51
    this.#report.check(lines.length === wanted, `${lines.length} lines of ${wanted}`)
    const isTheirs = lines.every((line) => {
      return line.includes(customerName(1)) && !line.includes(person) && !line.includes(other)
    })
    this.#report.check(isTheirs, "their values are in each line, nobody else's in any")
    const vkey = this.#installation.writer.log.vkey
    const proof = await postern(["verify", files[1], "--vkey", vkey])
    this.#is(proof, 10, /SIGNED-ONLY/, "its evidence")
  }

  /** What stops an erasure: a hold, a missing approval, a wrong number, a ground that names the person. */
  async inTheWay(): Promise<void> {
    const erase = ["erase", "--subject", person, "--ground"]
    const hold = ["retention", "hold", "add", "--query", "action:person.*", "--reason", "a case"]
    const { out } = await this.#run(hold)
    const id = out.trim().split(" ").at(-1) ?? ""
    const held = await this.#run([...erase, "GDPR 17(1)(a)", "--yes"])
    this.#is(held, 1, new RegExp(`hold ${id}`), "a hold is in the way")
    await this.#run(["retention", "hold", "remove", id, "--reason", "the case is closed"])
    const missing = await this.#run([...erase, "GDPR 17(1)(a)", "--yes"])
    this.#is(missing, 5, /0 of 1/, "an approval is missing")
    const wrong = await this.#run([...erase, "GDPR 17(1)(a)"], "20001\n")
    this.#is(wrong, 2, /nothing was erased/, "a wrong number")
    const naming = await this.#run([...erase, `${person} asked`, "--yes"])
    this.#is(naming, 1, /names the person/, "a ground that names the person")
    const operator = join(this.#installation.directory, "profiles", "operator.yaml")
    const approvals = join(this.#installation.directory, "approvals")
    mkdirSync(approvals)
    const approval = join(approvals, "one.approval")
    const approve = ["erase", "approve", "--subject", person, "--operator", operator]
    this.#is(await this.#run([...approve, "-o", approval]), 0, /approves/, "an approval")
  }

  /** Everything that must be nowhere afterwards. */
  async steal(): Promise<Record<string, Buffer>> {
    const looked = await this.#run(["erase", "--dry-run", "--json", "--subject", person])
    const number = Number(String(JSON.parse(looked.out).key).split("-")[0])
    const { key, wrapped, wrapping } = await stealKey(this.#installation.directory, number)
    const secrets = {
      ...{ name: Buffer.from(person), email: Buffer.from(emailOf(person)) },
      ...spellings("key", key),
      ...spellings("wrapped key", wrapped),
      ...spellings("wrapping key", wrapping),
    }
    const found = findBytes(this.#installation, {
      wrapped,
      text: Buffer.from(wrapping.toString("base64")),
    })
    this.#report.check(found.length === 2, `what was stolen is there before: ${found.join(", ")}`)
    return secrets
  }

  async erase(first: number): Promise<void> {
    const receipt = this.file("receipt.evidence")
    const args = ["erase", "--subject", `user:${person}`, "--ground", "GDPR 17(1)(a)"]
    const began = performance.now()
    const done = await this.#run([...args, "--receipt", receipt], `${2 * this.#entries}\n`)
    const ms = Math.round(performance.now() - began)
    this.#is(done, 0, /says that it began/, "the erasure")
    this.#began = Number(/entries +(\d+) says that it began/.exec(done.out)?.[1])
    this.#report.line(`erased ${this.#entries} entries in ${ms} ms, the command with its receipt`)
    this.#report.count("entries of a person that was erased", this.#entries)
    const vkey = this.#installation.writer.log.vkey
    this.#is(await postern(["verify", receipt, "--vkey", vkey]), 10, /SIGNED-ONLY/, "the receipt")
    const again = await this.#run([...args, "--yes"])
    this.#is(again, 1, /no value is sealed/, "there is nobody any more")
    const shown = await postern([
      "show",
      String(first),
      "--profile",
      this.#profile(),
      "--disclosed",
    ])
    this.#is(shown, 0, /erased: \S+, with entry \d+/, "show says that values are erased")
    this.#report.check(shown.out.includes(customerName(0)), "the customer's stays readable")
    this.#report.check(!`${shown.out}${shown.err}`.includes(person), "and the person is not named")
  }

  /** Proofs of before and after, by three verifiers. */
  async holds(before: string, first: number): Promise<void> {
    const after = this.file("after.evidence")
    await this.evidence(after, first)
    const { python, reason } = await findPython()
    const { vkey } = this.#installation.writer.log
    for (const [when, file] of Object.entries({ before, after })) {
      this.#is(
        await postern(["verify", file, "--vkey", vkey]),
        10,
        /SIGNED-ONLY/,
        `evidence ${when}`,
      )
      if (python === undefined) {
        this.#report.check(process.env.CI === undefined, reason)
        continue
      }
      const question = {
        name: when,
        bytes: readFileSync(file),
        policy: `log ${vkey}\nquorum none\n`,
      }
      const [answer] = await askPython(python, [question], makeScratch())
      const { verdict = "", disclosed, withheld, because } = answer ?? {}
      const counts = when === "before" ? disclosed === 3 : disclosed === 1 && withheld === 2
      const said = `${verdict} ${disclosed} ${withheld} ${because}`
      this.#report.check(verdict === "SIGNED-ONLY" && counts, `Python, evidence ${when}: ${said}`)
    }
    const directory = await postern(["verify", this.#installation.directory])
    this.#is(directory, 0, /verified/, "verify of the directory, with its values")
    const far = ["verify", "--profile", this.#profile()]
    this.#is(await postern(far), 0, /verified/, "verify over the read port")
  }

  /** An operator with all keys destroys one more, and names the entry that is about another person. */
  async inSilence(): Promise<void> {
    const { directory } = this.#installation
    const places = {
      sealed: join(directory, "data", "disclosures"),
      keys: join(directory, "sealing"),
    }
    const room = await openSealedRoom(places, { now: () => new Date() })
    const key = await room.keyOf({ subject: other })
    await room.destroy(key === undefined ? [] : [key], { entry: this.#began })
    await room.close()
    const found = await postern(["verify", directory])
    this.#is(found, 3, /disclosure-erased: entry \d+/, "a key that went in silence")
  }

  /** Who comes back is somebody new. */
  async comesBack(): Promise<void> {
    const [index = 0] = await post(this.#installation, [eventOf(person, this.#entries + 1, 1)])
    await this.covered(index)
    const found = JSON.parse(
      (await this.#run(["erase", "--dry-run", "--json", "--subject", person])).out,
    )
    this.#report.check(found.entries === 1, `who comes back has one entry: ${found.entries}`)
  }
}
