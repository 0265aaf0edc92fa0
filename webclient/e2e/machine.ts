import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { cpus } from "node:os";

/** Clock ticks of all processors' work since the start of the machine; Linux counts 100 a second. */
function busyTicks(): number {
  const [, ...fields] = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/\s+/).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return user + nice + system + irq + softirq;
}

/** Ticks of the processes in this network namespace: the test, the browsers and the server, by process. */
function ownTicks(): Map<string, number> {
  const ticks = new Map<string, number>();
  const here = readlinkSync("/proc/self/ns/net");
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (readlinkSync(`/proc/${pid}/ns/net`) !== here) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks.set(pid, Number(fields[11]) + Number(fields[12]));
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks;
}

/** How much of the machine went to others while something was measured. */
export class Machine {
  private readonly begun = performance.now();
  private readonly busy = busyTicks();
  private readonly own = ownTicks();

  /** The share of all processors, from 0 to 1, that processes outside of the test's namespace took since the start. */
  taken(): number {
    const all = ((performance.now() - this.begun) / 10) * cpus().length;
    let own = 0;
    for (const [pid, ticks] of ownTicks()) own += ticks - (this.own.get(pid) ?? 0);
    return Math.max(0, Math.min(1, (busyTicks() - this.busy - own) / all));
  }
}
