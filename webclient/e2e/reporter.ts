import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

/** Where a log is cut. */
const LONGEST = 300;

/**
 * Notes one line for each test that failed, or that passed at the second try only. run.sh prints them last, where a log
 * that shows only its end still has them; also when the time was up before the end.
 */
export default class LastLines implements Reporter {
  private readonly file: string;
  private readonly running: string;

  constructor(file: string) {
    this.file = file;
    this.running = `${file}.running`;
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
  }

  onTestCaseReady(test: TestCase): void {
    writeFileSync(this.running, `${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    const name = `${test.module.relativeModuleId} > ${test.fullName}`;
    if (state === "failed") this.note("failed", name, errors);
    else if (test.diagnostic()?.flaky) this.note("flaky", name, errors);
  }

  onTestSuiteResult(suite: TestSuite): void {
    if (suite.errors().length > 0)
      this.note("failed", `${suite.module.relativeModuleId} > ${suite.fullName}`, suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    if (module.errors().length > 0) this.note("failed", module.relativeModuleId, module.errors());
  }

  onTestRunEnd(_: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    rmSync(this.running, { force: true });
    if (unhandled.length > 0) this.note("failed", "outside of every test", unhandled);
  }

  private note(what: "failed" | "flaky", name: string, errors: readonly { message: string }[] | undefined): void {
    const [error] = errors ?? [];
    const reason = stripVTControlCharacters(error?.message ?? "").replace(/\s+/g, " ");
    appendFileSync(this.file, `${what}: ${name}: ${reason}`.slice(0, LONGEST).concat("\n"));
  }
}
