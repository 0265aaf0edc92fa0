import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, type WriteStream, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until";

/** The namespace is ours alone, so ports can be the well-known ones. */
export const PORTS = { http: 8080, admin: 9090, turn: 3478, sfuUdp: 7882, sfuTcp: 7881 };
export const URL_BASE = `http://127.0.0.1:${PORTS.http}`;

const CONFIG = `
server:
  listen: 127.0.0.1:${PORTS.http}
admin:
  listen: 127.0.0.1:${PORTS.admin}
data_dir: data
auth:
  guest_login: true
session:
  grace: 2s
topology:
  promote_at: 3
  demote_at: 2
  demote_after: 1s
  dwell: 1s
turn:
  udp: 127.0.0.1:${PORTS.turn}
  tcp: 127.0.0.1:${PORTS.turn}
sfu:
  udp: 127.0.0.1:${PORTS.sfuUdp}
  tcp: 127.0.0.1:${PORTS.sfuTcp}
`;

/** The real server as a child process, with a configuration and a data folder of its own. */
export class Server {
  private readonly folder = mkdtempSync(join(tmpdir(), "atrium-e2e-"));
  private readonly log: WriteStream;
  private child: ChildProcess | undefined;

  constructor(results: string) {
    writeFileSync(join(this.folder, "atrium.yaml"), CONFIG);
    mkdirSync(results, { recursive: true });
    this.log = createWriteStream(join(results, "server.log"));
  }

  async start(): Promise<void> {
    const binary = process.env.ATRIUM_BIN;
    if (!binary) throw new Error("ATRIUM_BIN does not name the server; run e2e/run.sh");
    const child = spawn(binary, ["serve", "--config", "atrium.yaml"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let tail = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.log.write(data);
        tail = (tail + data.toString()).slice(-2000);
      });
    }
    await until("the server answers", async () => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${tail}`);
      return (await fetch(`${URL_BASE}/`)).ok;
    });
  }

  /** As a crash would: nobody is told. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async close(): Promise<void> {
    await this.end("SIGTERM");
    this.log.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), 12_000);
    await ended;
    clearTimeout(force);
  }
}
