import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readlinkSync } from "node:fs";

const ENV = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"], env: ENV });
}

/** Another host: a network namespace of its own, joined to the tests' by a cable. */
export class Host {
  /** Its address, and this side's. */
  readonly address = "10.77.0.1";
  readonly ours = "10.77.0.2";
  private readonly keeper: ChildProcess;

  /** Undefined: a second namespace is not allowed here. */
  static make(): Host | undefined {
    try {
      run("unshare", "--net", "true");
    } catch {
      return undefined;
    }
    return new Host();
  }

  private constructor() {
    // The namespace lives as long as this process, which ends with its standard input, so with the tests at the latest.
    this.keeper = spawn("unshare", ["--net", "cat"], { stdio: ["pipe", "ignore", "ignore"], env: ENV });
  }

  /** Its namespace is made. */
  get apart(): boolean {
    return readlinkSync(`/proc/${this.keeper.pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  }

  /** Plugs the cable in. */
  join(): void {
    run("ip", "link", "add", "cable", "type", "veth", "peer", "name", "uplink", "netns", String(this.keeper.pid));
    run("ip", "address", "add", `${this.ours}/24`, "dev", "cable");
    run("ip", "link", "set", "cable", "up");
    const [enter, ...rest] = this.inside("ip", "address", "add", `${this.address}/24`, "dev", "uplink");
    run(enter, ...rest);
    for (const link of ["lo", "uplink"]) {
      const [command, ...args] = this.inside("ip", "link", "set", link, "up");
      run(command, ...args);
    }
  }

  /** The command line that runs something there. */
  inside(...command: [string, ...string[]]): [string, ...string[]] {
    return ["nsenter", "-t", String(this.keeper.pid), "-n", ...command];
  }

  close(): void {
    this.keeper.stdin?.end(); // the cable goes with the namespace
  }
}
