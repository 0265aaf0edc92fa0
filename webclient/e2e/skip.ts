import { appendFileSync } from "node:fs";

/** Says what this machine does not let the tests do; `make test` repeats it at its end. */
export function skipped(what: string): void {
  const line = `SKIPPED: ${what}`;
  console.log(line);
  if (process.env.ATRIUM_LAST_LINES) appendFileSync(process.env.ATRIUM_LAST_LINES, `${line}\n`);
}
